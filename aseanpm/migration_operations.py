"""Operations for migrations, beside Django's own."""

from django.db.migrations.operations.base import Operation


class Together(Operation):
    """Several operations whose models are drawn once instead of once for each.

    Django draws all related models anew after every operation, which takes most of the
    time of a first start. At most one operation may alter a table that stands.
    """

    def __init__(self, operations):
        self.operations = operations

    @property
    def reversible(self):
        return all(one.reversible for one in self.operations)

    def state_forwards(self, app_label, state):
        state.__dict__.pop("apps", None)
        for one in self.operations:
            one.state_forwards(app_label, state)

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        for one in self.operations:
            one.database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        for one in reversed(self.operations):
            one.database_backwards(app_label, schema_editor, from_state, to_state)

    def describe(self):
        return "; ".join(one.describe() for one in self.operations)
