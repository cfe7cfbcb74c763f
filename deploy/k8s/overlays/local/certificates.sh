#!/bin/sh
# Makes what the local overlay must not commit: one authority, a certificate for each service and
# for two callers, in secrets/ beside this file. Needs openssl. A second run keeps the authority and
# makes new certificates; running servers take them up without a restart.
#
# Who a certificate is for stands in its one URI: spiffe://TRUST_DOMAIN/ordermesh/ROLE.
set -eu
cd "$(dirname "$0")"
umask 077
domain=${TRUST_DOMAIN:-ordermesh.internal}
namespace=${NAMESPACE:-ordermesh}
days=${DAYS:-90}
mkdir -p secrets
cd secrets

new_key() {
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null
}

if [ ! -f ca.key ]; then
  new_key ca.key
  openssl req -x509 -new -key ca.key -subj "/CN=ordermesh local authority" -days 365 -out ca.crt \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign"
fi

# issue ROLE NAMES: NAMES are the host names that the certificate is good for, if any.
issue() {
  new_key "$1.key"
  openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
  {
    echo "basicConstraints=critical,CA:FALSE"
    echo "keyUsage=critical,digitalSignature"
    echo "extendedKeyUsage=serverAuth,clientAuth"
    echo "subjectAltName=URI:spiffe://$domain/ordermesh/$1$2"
  } > "$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days "$days" -sha256 \
    -extfile "$1.ext" -out "$1.crt" 2>/dev/null
  rm "$1.csr" "$1.ext"
}

# `localhost` is for `kubectl port-forward`.
for service in inventory routing returns notify; do
  issue "$service" ",DNS:$service,DNS:$service.$namespace,DNS:$service.$namespace.svc,DNS:localhost"
done
for caller in edge operator; do
  issue "$caller" ""
done
echo "Certificates for inventory, routing, returns, notify, edge and operator are in secrets/."
