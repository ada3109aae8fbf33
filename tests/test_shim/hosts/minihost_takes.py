"""minihost: a transport that runs, stops, jumps and loops. argv: plug-in."""

import json

import numpy as np
from deck import Deck, keep, random_bits, told


class Player:
    """Plays audio of any bits through a deck, in blocks of any size."""

    def __init__(self, rate: int, n_channels: int) -> None:
        self.deck = Deck(rate, 8192, n_channels)
        self.random = np.random.default_rng(rate)
        self.audio = random_bits(n_channels, 60_000, rate)
        self.at = 0
        self.passes: list[bool] = []

    def play(
        self, n_samples: int, position: int | None, is_playing: bool = True, tempo_bpm: float = 120
    ) -> np.ndarray:
        """The next samples [C, N], the first of them at `position`."""
        start, end = self.at, self.at + n_samples
        while self.at < end:
            n_block = int(min(end - self.at, self.random.choice([1, 7, 64, 480, 512, 8192])))
            there = None if position is None else position + self.at - start
            block = self.audio[:, self.at : self.at + n_block]
            self.passes.append(self.deck.play(block, there, is_playing, tempo_bpm))
            self.at += n_block
        return self.audio[:, start:end]


takes = []
passes = []
for rate, n_channels in ((44_100, 1), (48_000, 2), (96_000, 2)):
    player = Player(rate, n_channels)
    expected = []
    player.play(1000, 5000)
    player.deck.arm(True)
    expected.append((96_001, player.play(9_000, 96_001)))
    player.play(700, 105_001, is_playing=False)
    expected.append((105_001, player.play(5_000, 105_001)))
    expected.append((96_000, player.play(3_000, 96_000)))  # a loop
    expected.append((99_001, player.play(3_000, 99_001)))  # a jump of one sample
    expected.append((None, player.play(2_000, None)))  # no transport
    faster = [player.play(1_000, 7_000 + 1_000 * i, tempo_bpm=120 + i) for i in range(2)]
    expected.append((7_000, np.concatenate(faster, axis=1)))
    player.deck.arm(False)
    player.play(500, 200_000)
    clips = [told(clip) for clip in player.deck.wait_clips(len(expected))]
    for number, (clip, (position, samples)) in enumerate(zip(clips, expected, strict=True)):
        file = keep(f"{rate}-{number}.npy", samples)
        takes.append({**clip, "rate": rate, "expected": file, "expected_position": position})
    passes += player.passes
    player.deck.plugin.close()

print(json.dumps({"takes": takes, "passes": all(passes), "n_blocks": len(passes)}))
