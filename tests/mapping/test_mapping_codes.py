"""Words of signed integers: there and back, the textbook's words, and what a flipped bit costs."""

from __future__ import annotations

import math
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mho.errors import SpecError, UnknownNameError
from mho.mapping import codes
from mho.mapping.base import Encoded
from mho.mapping.codes import ENCODINGS

every_encoding = pytest.mark.parametrize("encoding", ENCODINGS)
WORDS = {  # of 3 bits for -3 ... 3
    "twos-complement": "101 110 111 000 001 010 011",
    "offset": "001 010 011 100 101 110 111",
    "sign-magnitude": "111 110 101 000 001 010 011",
    "gray": "001 011 010 110 111 101 100",
}


def every(bits: int) -> torch.Tensor:
    return torch.arange(-codes.largest(bits), codes.largest(bits) + 1)


@every_encoding
def test_three_bits_as_textbooks_have_them(encoding) -> None:
    assert codes.PLANE_ORDER == "most significant first"
    planes = codes.encode(every(3), 3, encoding)
    assert planes.dtype == torch.float32
    words = ["".join(str(int(b)) for b in word) for word in planes.T.tolist()]
    assert " ".join(words) == WORDS[encoding]


@every_encoding
@pytest.mark.parametrize("bits", range(2, 17))
def test_every_integer_comes_back(encoding, bits: int) -> None:
    integers = every(bits)
    planes = codes.encode(integers.double(), bits, encoding)
    assert planes.shape == (bits, len(integers))
    assert len({tuple(word) for word in planes.int().T.tolist()}) == len(integers)
    assert torch.equal(codes.decode(planes, encoding), integers.float())


@settings(max_examples=100, deadline=None)
@given(data=st.data(), encoding=st.sampled_from(ENCODINGS), bits=st.integers(2, 16))
def test_any_shape_and_any_place_of_the_planes(data, encoding, bits: int) -> None:
    shape = data.draw(st.lists(st.integers(0, 3), max_size=4))
    numbers = st.integers(-codes.largest(bits), codes.largest(bits))
    size = math.prod(shape)
    integers = torch.tensor(data.draw(st.lists(numbers, min_size=size, max_size=size)), dtype=torch.int64).view(shape)
    dim = data.draw(st.integers(0, len(shape)))
    planes = codes.encode(integers, bits, encoding).movedim(0, dim)
    assert torch.equal(codes.decode(planes, encoding, dim), integers.float())
    encoded = as_encoded(integers, bits, encoding)
    chips = encoded.levels.expand(2, 3, *encoded.levels.shape)  # any leading dimensions
    combine = codes.combiner(bits, encoding)
    decoded = encoded.decode(chips) if combine is None else combine(chips.movedim(2, 0))
    assert torch.equal(decoded, integers.float().expand(2, 3, *shape))


def as_encoded(integers: torch.Tensor, bits: int, encoding) -> Encoded:
    values, offset = codes.coefficients(bits, encoding)
    return Encoded(codes.encode(integers, bits, encoding), torch.tensor(values), torch.ones(()), offset)


@every_encoding
@pytest.mark.parametrize("bits", [2, 5, 8])
def test_every_word_decodes_also_those_that_are_no_integers(encoding, bits: int) -> None:
    words = torch.stack([(torch.arange(2**bits) >> j) & 1 for j in reversed(range(bits))]).float()
    integers = codes.decode(words, encoding)
    low = -codes.largest(bits) - (encoding != "sign-magnitude")
    assert (int(integers.min()), int(integers.max())) == (low, codes.largest(bits))
    assert len(integers.unique()) == 2**bits - (encoding == "sign-magnitude")
    assert not torch.signbit(integers[integers == 0]).any()


@pytest.mark.parametrize("bits", range(2, 17))
def test_neighbours_differ_in_one_gray_bit(bits: int) -> None:
    planes = codes.encode(every(bits), bits, "gray")
    assert ((planes[:, 1:] != planes[:, :-1]).sum(0) == 1).all()


@every_encoding
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_what_a_flip_of_each_plane_does(encoding, bits: int) -> None:
    integers, top = every(bits), codes.largest(bits)
    errors = codes.flip_errors(integers, bits, encoding).abs()
    power = torch.tensor([2.0**j for j in reversed(range(bits))])[:, None]
    if encoding == "gray":
        assert (errors % 2 == 1).all()
        assert (errors.amax(1) == 2 * power[:, 0] - 1).sum() >= bits - 1  # of the top plane the word 0 is not used
        assert (errors <= 2 * power - 1).all()
    elif encoding == "sign-magnitude":
        assert torch.equal(errors[1:], power[1:].expand_as(errors[1:]))
        assert torch.equal(errors[0], 2.0 * integers.abs())
    else:
        assert torch.equal(errors, power.expand_as(errors))
    found = codes.error_weights(bits, encoding)
    wanted = power[:, 0].tolist()
    if encoding == "sign-magnitude":
        wanted[0] = 2 * math.sqrt(top * (top + 1) / 3)
    if encoding == "gray":  # exact over all 2^b words; the missing one changes a mean of that many at most so much
        wanted = [math.sqrt((4 * p * p - 1) / 3) for p in power[:, 0].tolist()]
        for f, w, p in zip(found, wanted, power[:, 0].tolist(), strict=True):
            total = w**2 * 2**bits
            assert (total - (2 * p - 1) ** 2) / (2**bits - 1) - 1e-9 <= f**2 <= total / (2**bits - 1) + 1e-9
    else:
        assert found == pytest.approx(wanted)


def test_small_weights_make_their_sign_cheap() -> None:
    """What a layer's own integers are for: all within 3 of 127."""
    near_zero = torch.tensor([-3, -1, 0, 1, 2, 3])
    assert codes.error_weights(8, "sign-magnitude", near_zero)[0] == pytest.approx(2 * 2.0)
    assert codes.error_weights(8, "twos-complement", near_zero)[0] == 128


def test_a_combiner_goes_to_another_process() -> None:
    for encoding in ("gray", "sign-magnitude"):
        combine = pickle.loads(pickle.dumps(codes.combiner(4, encoding)))
        assert torch.equal(combine(codes.encode(every(4), 4, encoding)), every(4).float())
    assert codes.combiner(4, "offset") is None
    assert [codes.linear(e) for e in ENCODINGS] == [True, True, False, False]


def test_bad_input_is_one_line() -> None:
    for bits in (1, 17):
        with pytest.raises(SpecError, match=f"bits={bits} must be 2 to 16"):
            codes.encode(torch.zeros(1), bits, "offset")
    with pytest.raises(SpecError, match=r"integers of -128 to 3 do not fit in bits=8: .* -127 and 127"):
        codes.encode(torch.tensor([-128, 3]), 8, "twos-complement")
    with pytest.raises(UnknownNameError, match="unknown encoding 'grey': did you mean 'gray'"):
        codes.decode(torch.zeros(4), "grey")
