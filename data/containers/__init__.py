"""Where the sound lies in a file, by its bytes and not by what its header says: one way out, ``parts.parts_of``.

A recorder that is switched off, a stream and a join of files all leave headers that are wrong about the length. The
decoder believes them; these readers look at what stands in the file, and give the decoder a header that is right.
"""
