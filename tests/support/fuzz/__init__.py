"""Mutated reviews, and what no answer to one may be.

mutation  changes bytes and values of the corpus at random
oracle    judges the answers by a second implementation of the rules
watch     notices processes, connections and files, by Python's audit events
"""
