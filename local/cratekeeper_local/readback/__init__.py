"""Reading the deployment back: what the emulator really holds, against what the template says.

The emulator takes some properties without a word and drops them. Each reader gives one type of
resource in the shape of the template's properties; the comparison is the same for all.
"""
