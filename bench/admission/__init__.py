"""What admission costs, and what it withstands, measured side by side with others that do the same checks.

    python -m bench.admission --rounds 3

Modules, from the outside in:

    __main__  the command line
    outcome   the table and the picture
    direct    one program on loopback: start, throughput, memory, a siege of slow connections
    through   what a create through the API server takes with each of them
    programs  how they are started
    clients reviews  who asks, and what
    besiegers        who asks slowly, as a process of its own
"""
