// A platform in TypeScript: it puts an item, reads it, and reads a refusal.
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { ItemService } from "./gen/ordermesh/api/inventory/v1/item_service_pb.js";
import { Item_Unit } from "./gen/ordermesh/api/inventory/v1/item_pb.js";
import { ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.js";

const transport = createGrpcTransport({ baseUrl: process.argv[2] });
const items = createClient(ItemService, transport);

const put = await items.putItems({
  requestId: "11111111-1111-4111-8111-111111111111",
  items: [{ sku: "MUG", name: "A mug", unit: Item_Unit.EACH, weightGrams: 350n }],
});
const read = await items.batchGetItems({ skus: ["MUG"] });

let refusal = {};
try {
  await items.listItems({ pageToken: "no token of ours" });
} catch (error) {
  const refused = ConnectError.from(error);
  const [info] = refused.findDetails(ErrorInfoSchema);
  refusal = { code: Code[refused.code], reason: info?.reason, metadata: info?.metadata };
}
console.log(
  JSON.stringify({
    changed: put.changedCount,
    items: read.items.map((item) => [item.sku, item.name, Number(item.weightGrams)]),
    refusal,
  }),
);
