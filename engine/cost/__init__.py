"""What a run costs: sums from a model's sizes, rates measured on this machine, and both together.

shape, footprint    operations and bytes, from sizes alone         torch is not needed
measure, stand_in   rates of this machine, with random weights     torch
"""
