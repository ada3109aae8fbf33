"""Fixed-step solvers of the flow ODE, as plain functions over a schedule."""
