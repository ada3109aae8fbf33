"""Descriptions to start from: sounds that the builtin separator knows by name (a test holds it)."""

KNOWN = (
    "acoustic guitar",
    "bass guitar",
    "bass line",
    "cello",
    "choir",
    "clap",
    "crash cymbal",
    "drums",
    "electric guitar",
    "female vocals",
    "flute",
    "hi-hat",
    "kick drum",
    "lead vocal",
    "man speaking",
    "organ",
    "percussion",
    "piano",
    "saxophone",
    "shaker",
    "singing",
    "snare drum",
    "speech",
    "strings",
    "synth",
    "synth bass",
    "tambourine",
    "trumpet",
    "violin",
    "vocals",
    "woman speaking",
)

EXAMPLES = ("dog barking", "snare drum", "man speaking", "glass breaking", "acoustic guitar")
"""Shown while nothing is typed; with spans, any sound can be taken out."""
