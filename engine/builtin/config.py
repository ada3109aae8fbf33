"""What can be tuned in the weight-free separator; the defaults are the measured ones."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BuiltinConfig:
    """Sizes and constants of the builtin separator.

    learn_block_s, decode_block_s: seconds of stereo read at once; more channels mean shorter
        blocks, so that a block costs the same memory.
    max_learn_frames: frames kept per label ('+', '-', none) to learn from, drawn at random.
    max_learn_bytes: the same limit in bytes, for many channels.
    max_in_flight_bytes: what the decoding threads may hold together; limits their number.
    """

    learn_block_s: float = 30.0
    decode_block_s: float = 10.0
    max_learn_frames: int = 2000
    max_learn_bytes: int = 96 << 20
    max_in_flight_bytes: int = 400 << 20

    n_background: int = 40
    n_target: int = 12
    n_target_evidence: int = 24
    n_background_evidence: int = 24
    learn_iterations: int = 30
    decode_iterations: int = 15
    mask_exponent: float = 1.4
    min_background_frames: int = 8
