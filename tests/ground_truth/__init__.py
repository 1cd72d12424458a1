"""Is the heap's word true?  Addresses whose fate a script knows, compared with the verdicts on
them, one by one.
"""
