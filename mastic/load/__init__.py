"""Files on disk → Catalogue and CloudFile (the arrows `load`), every mistake with its file and line."""
