"""The two ways a build can fail, by who has to act."""


class AuthorError(Exception):
    """Something in the function's folder is wrong; exit code 1."""


class ToolchainError(Exception):
    """Python, componentize-py, the SDK or the WIT is missing or broken; exit code 3."""
