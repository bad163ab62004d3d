"""Columns that several apps need: exact money, and text that can be searched."""

import unicodedata
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import models

CENT = Decimal("0.01")


class MoneyField(models.BigIntegerField):
    """An exact amount, stored in hundredths and read as a Decimal.

    SQLite keeps decimals as floats and loses cents over a sum; integers do not.
    A value finer than a hundredth is refused with a ValidationError.
    """

    description = "Amount of money, exact to the hundredth"

    def from_db_value(self, value, expression, connection):
        return None if value is None else Decimal(int(value)).scaleb(-2)

    def to_python(self, value):
        """A Decimal of whole hundredths that the column holds; or ValidationError."""
        if value is None:
            return None
        try:
            amount = Decimal(str(value))
            hundredths = amount.scaleb(2)
            if hundredths != hundredths.to_integral_value():
                raise ValidationError("An amount has at most two decimals.")
        except ArithmeticError as error:
            raise ValidationError("Enter an amount such as 1250.50.") from error
        if not amount.is_finite() or abs(hundredths) >= 2**63:
            raise ValidationError("This amount is too large.")
        return amount

    def get_prep_value(self, value):
        amount = self.to_python(value)
        return None if amount is None else int(amount.scaleb(2))

    @property
    def validators(self):
        return []


class SearchTextField(models.TextField):
    """The words of a row, folded for searching; fills itself on every write.

    `of` names the fields it is made from; a JSON field adds all its texts. Case and
    Vietnamese marks are folded, the signs of Khmer, Lao, Burmese and Thai are kept.
    """

    def __init__(self, *args, of=(), **options):
        self.of = tuple(of)
        options.update(editable=False, blank=True, default="")
        super().__init__(*args, **options)

    def deconstruct(self):
        name, path, args, options = super().deconstruct()
        for implied in ("editable", "blank", "default"):
            options.pop(implied, None)
        options["of"] = self.of
        return name, path, args, options

    def pre_save(self, model_instance, add):
        texts = []
        for name in self.of:
            value = getattr(model_instance, name)
            texts += value.values() if isinstance(value, dict) else [value]
        folded = "\n".join(fold(text) for text in texts if text)
        setattr(model_instance, self.attname, folded)
        return folded


def fold(text):
    """`text` as it is compared in a search: "Lúa gạo" and "LUA GAO" are one."""
    decomposed = unicodedata.normalize("NFKD", str(text)).casefold().replace("đ", "d")
    return " ".join(
        "".join(
            sign
            for sign in decomposed
            if not (unicodedata.combining(sign) and ord(sign) < 0x0400)
        ).split()
    )
