"""Sound as the panel needs it: blocks of files, peaks, spectra, playback."""
