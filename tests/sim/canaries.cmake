# Planted faults. Each names what must notice it: one of the simulator's invariants, or an assertion.
