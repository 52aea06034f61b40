"""Programs that run in the target interpreter: Python 3.6 syntax, stdlib, numpy and torch only.

Nothing here imports the rest of dartenv, and the rest of dartenv never imports these modules
(their imports of numpy and torch stay inside functions, so that type checkers and tests can read
them without either). Each program is started by file path, reads one JSON file and writes one
JSON file; what it prints goes to the log.
"""
