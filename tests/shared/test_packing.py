import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordermesh.runtime.packing import NewChange, pack, unpack

some_change = st.builds(
    NewChange,
    key=st.text(max_size=20),
    payload=st.binary(max_size=300),
    sequence=st.integers(-(2**63), 2**63 - 1),
    memo=st.binary(max_size=60),
)


@given(st.lists(some_change, max_size=8))
def test_what_is_packed_is_unpacked_as_it_was(changes: list[NewChange]) -> None:
    assert list(unpack(pack(changes))) == changes


def test_a_key_that_is_too_long_is_refused_rather_than_cut() -> None:
    with pytest.raises(struct.error):
        pack([NewChange("K" * 65_536, b"")])


def test_bytes_that_were_cut_are_found_out() -> None:
    packed = pack([NewChange("MUG", b"payload", 3, b"memo"), NewChange("CUP", b"other", 4)])

    whole = len(pack([NewChange("MUG", b"payload", 3, b"memo")]))
    for length in set(range(1, len(packed))) - {whole}:
        with pytest.raises((struct.error, ValueError)):
            list(unpack(packed[:length]))
