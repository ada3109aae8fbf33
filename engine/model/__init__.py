"""SAM-Audio's networks, written from its specification, under the checkpoint's own names.

    model = SAMAudio.from_pretrained("sam-audio-base")
    processor = SAMAudioProcessor.from_pretrained("sam-audio-base")
    result = model.separate(processor(descriptions=["dog barking"], audios=["mix.wav"]))
    result.target[0], result.residual[0]        # at processor.audio_sampling_rate

README.md beside this file follows a waveform through all of it.
"""

from .batch import Batch
from .processor import SAMAudioProcessor
from .separation import SAMAudio, SeparationResult

__all__ = ["Batch", "SAMAudio", "SAMAudioProcessor", "SeparationResult"]
