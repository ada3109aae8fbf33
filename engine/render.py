"""From an estimate to stems that add up to the mixture, on disk or in memory."""
