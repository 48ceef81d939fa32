"""Deterministic simulation: whole exam days in virtual time, everything that can go wrong, all of it from one seed.

Real are the rules (`sitting`, `rulings`, `timing`), the `conduct` with all it uses, the exam socket, the event log's
group commit and, in a JavaScript engine, the page's answer queue and state. Simulated are time, the database, the
network, the machines, the browsers' disks, the candidates and the proctor. Nothing sleeps and nothing is random but by
the seed, so that what a seed shows it shows again: `python -m tests.simulation --seed N`.

    timeline    virtual time, chance, the trace and its digest
    node        one process: an event loop of its own, a clock that is off, pauses, death
    postgres    rows and statements: slow, failing, overtaken, written but never heard of
    network     connections: late, broken, half-open
    pages       the pages' JavaScript; `pages.js` is what joins it
    candidates  browsers, tabs and the people at them
    faults      what goes wrong and when
    record      what a sitting's rows amount to, by rules written down a second time
    witness     what was made, sent, received, stored and told, held against each other
    plants      bugs planted at run time, to see that they are found
    world       one seed's day; `play` and `__main__` play many
"""
