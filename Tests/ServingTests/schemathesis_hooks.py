"""What schemathesis need not try."""

import schemathesis


@schemathesis.hook
def filter_case(_context, case):
    """Leaves out forms with fields of another type: in a form they are texts, and so questions like any other."""
    generation = case.meta.generation if case.meta else None
    return not (case.media_type == "multipart/form-data" and generation and generation.mode.is_negative)
