"""Where sound comes from: a sound card, standard input, files, folders, network streams; one protocol."""
