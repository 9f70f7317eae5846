"""How fast the operator is, measured side by side with others that do the same job.

    python -m bench --sizes 100,1000 --rounds 3

Modules, from the outside in:

    __main__        the command line
    records         the files of results, one for each purpose and size
    report picture  the table and the picture of the results
    pages/          writes the figures that README and docs/ quote
    changes         what each change of a spec makes a cluster do
    cycles          memory over many Nginx that come and go
    admission/      the webhooks beside their peers
    trial           one contender at one size, phase by phase
    load            what users do, and what they see
    contenders      the programs that are compared; those that are not ours are in `peers/`
    process audit   what a program uses, and what it writes
"""
