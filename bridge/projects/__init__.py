"""A finished job as a project file: its manifest in, RPP or DAWproject out."""
