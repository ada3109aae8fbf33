"""What the panel does: opening clips, running jobs, keeping sessions. No widgets."""
