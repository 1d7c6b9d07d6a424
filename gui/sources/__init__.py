"""Where pictures come from beside ordinary files: arrays, mapped files, the clipboard."""
