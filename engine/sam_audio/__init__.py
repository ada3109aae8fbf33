"""SAM-Audio as a separator of whole files: any rate, any number of channels, any length."""
