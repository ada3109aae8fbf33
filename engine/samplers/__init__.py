"""Fixed-step solvers of the flow ODE, as plain functions over a schedule, and its noise."""

from .noise import Draw, batch_noise, latent_noise
from .registry import SAMPLERS, Sampler, Sampling, Solve, sampler_named
from .schedule import Schedule, shifted, uniform
from .solvers import OnStep, Step, VectorField, adams, euler, heun, midpoint, ralston, rk4

__all__ = [
    "Draw",
    "OnStep",
    "SAMPLERS",
    "Sampler",
    "Sampling",
    "Schedule",
    "Solve",
    "Step",
    "VectorField",
    "adams",
    "batch_noise",
    "euler",
    "heun",
    "latent_noise",
    "midpoint",
    "ralston",
    "rk4",
    "sampler_named",
    "shifted",
    "uniform",
]
