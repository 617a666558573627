"""The types that flow through the main path; they import nothing else of mastic."""
