"""Who: the people who sign in, countries and groupings, funders and organisations."""

import unicodedata
import uuid

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from knox.models import AbstractAuthToken, AuthTokenManager

from aseanpm.facts import Precision, shown_date
from aseanpm.fields import fold
from aseanpm.forms import INVISIBLE
from aseanpm.models import Kept, Named, NamedQuerySet, Sourced, kept_history

LIKE_LATIN = {"CYRILLIC", "GREEK", "COPTIC", "ARMENIAN", "CHEROKEE", "LISU"}


class UserManager(BaseUserManager):
    def create_user(self, email, password=None, **fields):
        user = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email, password=None, **fields):
        fields |= {"role": User.Role.ADMINISTRATOR, "is_superuser": True}
        return self.create_user(email, password, **fields)

    def get_by_natural_key(self, email):
        return self.get(email=email.lower())


class User(AbstractBaseUser, PermissionsMixin, Kept):
    """A person who signs in by e-mail. One role each, with its country or partner."""

    class Role(models.TextChoices):
        READER = "reader", "Reader"
        COORDINATOR = "coordinator", "National coordinator"
        PARTNER = "partner", "Partner"
        EDITOR = "editor", "Secretariat editor"
        ADMINISTRATOR = "administrator", "Secretariat administrator"

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=150, blank=True)
    role = models.CharField(max_length=13, choices=Role, default=Role.READER)
    country = models.ForeignKey(
        "partners.Country", on_delete=models.PROTECT, null=True, blank=True
    )
    partner = models.ForeignKey(
        "partners.Partner", on_delete=models.PROTECT, null=True, blank=True
    )
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(auto_now_add=True)
    history = kept_history(excluded_fields=["password", "last_login"])

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        ordering = ["email"]
        constraints = [
            models.CheckConstraint(
                name="user_email_is_lower_case",
                condition=Q(email=Lower("email")),
                violation_error_message="An e-mail address is kept in lower case.",
            ),
            models.CheckConstraint(
                name="user_coordinator_has_a_country",
                condition=Q(role="coordinator", country__isnull=False)
                | (~Q(role="coordinator") & Q(country__isnull=True)),
                violation_error_message="A coordinator, and only one, has a country.",
            ),
            models.CheckConstraint(
                name="user_partner_has_a_partner",
                condition=Q(role="partner", partner__isnull=False)
                | (~Q(role="partner") & Q(partner__isnull=True)),
                violation_error_message="A partner's user, and no other, has one.",
            ),
        ]

    def __str__(self):
        """The name, or what stands before the @: the address is for administrators."""
        return self.name or self.email.partition("@")[0]

    def clean(self):
        super().clean()
        if not self.name or type(self).objects.filter(pk=self.pk, name=self.name):
            return  # a name on record stays, whoever came since
        name = as_read(self.name)
        if mixes_scripts(self.name):
            message = "Write it in one alphabet: it mixes letters that look alike."
            raise ValidationError({"name": message})
        if "@" in unicodedata.normalize("NFKC", self.name) or not name:
            raise ValidationError(
                {"name": "Write a name that can be read, with no “@”."}
            )
        others = type(self).objects.exclude(pk=self.pk)
        for one in others.values_list("name", "email"):
            if name in {as_read(text.partition("@")[0]) for text in one}:
                message = (
                    "Somebody here has this name already; add what tells you apart."
                )
                raise ValidationError({"name": message})

    @property
    def is_secretariat(self):
        return self.role in {self.Role.EDITOR, self.Role.ADMINISTRATOR}

    @property
    def is_staff(self):
        return self.role == self.Role.ADMINISTRATOR

    def reread_rights(self):
        """What the role allows may have changed since the request began."""
        self.refresh_from_db(fields=["role", "country", "partner", "is_active"])


def as_read(name):
    """A name as it is told from another: by letters and figures alone, in any case."""
    told = INVISIBLE.sub("", fold(name))
    return "".join(sign for sign in told if unicodedata.category(sign)[0] in "LMN")


def mixes_scripts(name):
    """Whether Latin letters stand beside ones of Cyrillic, Greek … drawn like them."""
    scripts = {unicodedata.name(sign, "").partition(" ")[0] for sign in fold(name)}
    return "LATIN" in scripts and not scripts.isdisjoint(LIKE_LATIN)


class ApiTokenQuerySet(models.QuerySet):
    def visible_to(self, user):
        """One's own; administrators see everybody's."""
        return self if user.role == User.Role.ADMINISTRATOR else self.filter(user=user)

    def standing(self):
        """Without those that were revoked; some may have expired."""
        return self.filter(revoked_at__isnull=True)

    def standing_first(self):
        return self.order_by(F("revoked_at").desc(nulls_first=True), "-created", "uuid")


class ApiToken(AbstractAuthToken):
    """A person's key to the API, with the rights of its user's role at each request.

    Only its hash is kept. `uuid` names it in addresses. A revoked one stays, so that
    what was pulled with it can still be read.
    """

    class Scope(models.TextChoices):
        READ = "read", "Read"
        WRITE = "write", "Read and write"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=100)
    scope = models.CharField(max_length=5, choices=Scope, default=Scope.READ)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = AuthTokenManager.from_queryset(ApiTokenQuerySet)()

    def __str__(self):
        return f"{self.name} of {self.user}"

    def get_absolute_url(self):
        return reverse("accounts:token", args=[self.uuid])

    def clean(self):
        super().clean()
        if self.scope == self.Scope.WRITE and not self.user.is_secretariat:
            message = "Only the secretariat writes by token. Choose “Read”."
            raise ValidationError({"scope": message})

    @property
    def has_expired(self):
        return self.expiry is not None and self.expiry <= timezone.now()

    @property
    def opens(self):
        """Whether it still opens anything, as far as the token itself goes."""
        return self.revoked_at is None and not self.has_expired


class Pull(models.Model):
    """A request made with a token: what it asked for, and how much it got.

    `address` is path and query, cut to its length. `rows` is None where the answer did
    not tell. Written and pruned by `tokens.record`.
    """

    token = models.ForeignKey(
        ApiToken,
        to_field="uuid",
        on_delete=models.CASCADE,
        related_name="pulls",
        db_index=False,
    )
    at = models.DateTimeField()
    method = models.CharField(max_length=7)
    address = models.CharField(max_length=500)
    rows = models.PositiveIntegerField(null=True)
    status = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(name="pull_newest", fields=["token", "-id"])]

    def __str__(self):
        return f"{self.method} {self.address}"


class ValidQuerySet(models.QuerySet):
    """Rows that hold from one date to another; an open end holds on."""

    def valid(self, on):
        return self.filter(
            Q(valid_from__isnull=True) | Q(valid_from__lte=on),
            Q(valid_until__isnull=True) | Q(valid_until__gte=on),
        )


class Valid(models.Model):
    """What holds between two dates, both included; none means not bounded.

    Of rows that have the same `alone_by` no two hold on the same day.
    """

    alone_by: tuple[str, ...] = ()

    valid_from = models.DateField(null=True, blank=True)
    valid_from_precision = models.CharField(
        max_length=5, choices=Precision, default=Precision.DAY
    )
    valid_until = models.DateField(null=True, blank=True)

    objects = ValidQuerySet.as_manager()

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                name="%(app_label)s_%(class)s_ends_after_it_begins",
                condition=Q(valid_from__isnull=True)
                | Q(valid_until__isnull=True)
                | Q(valid_until__gte=F("valid_from")),
                violation_error_message="What holds cannot end before it begins.",
            )
        ]

    def clean(self):
        super().clean()
        other = self.alone_by and self._beside().exclude(pk=self.pk).first()
        if other:
            since = shown_date(other.valid_from, other.valid_from_precision)
            until = shown_date(other.valid_until)
            message = (
                f"{other} is on record from {since or 'the beginning'} "
                f"to {until or 'today and on'}; the periods overlap."
            )
            raise ValidationError({"valid_from": message})

    def _beside(self):
        """The rows of the same that hold on a day on which this one does."""
        rows = type(self)._base_manager.filter(
            **{name: getattr(self, name) for name in self.alone_by}
        )
        if self.valid_from:
            begun = Q(valid_until__isnull=True) | Q(valid_until__gte=self.valid_from)
            rows = rows.filter(begun)
        if self.valid_until:
            ended = Q(valid_from__isnull=True) | Q(valid_from__lte=self.valid_until)
            rows = rows.filter(ended)
        return rows


def once_from_a_date(name, *fields):
    """Constraints: one row for these fields from a date, and one without a date."""
    return [
        models.UniqueConstraint(
            name=f"{name}_once_from_a_date", fields=[*fields, "valid_from"]
        ),
        models.UniqueConstraint(
            name=f"{name}_once_without_a_date",
            fields=fields,
            condition=Q(valid_from__isnull=True),
        ),
    ]


class Country(Named, Sourced, Kept):
    """A member state of ASEAN; `code` is its ISO 3166-1 alpha-2 code."""

    code = models.CharField(max_length=2, unique=True)
    iso3 = models.CharField(max_length=3, unique=True)
    iso_numeric = models.CharField(max_length=3, unique=True)
    history = kept_history(m2m_fields=["sources"])

    objects = NamedQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "countries"

    def get_absolute_url(self):
        return reverse("partners:country", args=[self.code])


class CountryEvent(Kept):
    """A dated step of a country towards or within ASEAN: applied, observer, member."""

    country = models.ForeignKey(
        Country, on_delete=models.CASCADE, related_name="events"
    )
    on = models.DateField()
    precision = models.CharField(max_length=5, choices=Precision, default=Precision.DAY)
    text = models.CharField(max_length=200)
    history = kept_history()

    class Meta:
        ordering = ["on"]
        constraints = [
            models.UniqueConstraint(
                name="country_event_once", fields=["country", "on", "text"]
            )
        ]

    def __str__(self):
        return f"{self.on} {self.text}"


class Grouping(Named, Sourced, Kept):
    """A group of countries that may benefit together; its members vary by date."""

    code = models.CharField(max_length=20, unique=True)
    role = models.CharField(max_length=200, blank=True)
    members = models.ManyToManyField(
        Country, through="GroupingMembership", related_name="groupings"
    )
    history = kept_history(m2m_fields=["sources"])

    objects = NamedQuerySet.as_manager()

    class Meta:
        ordering = ["code"]


class GroupingMembership(Valid, Kept):
    """A country's membership of a grouping; of the grouping ASEAN, its membership."""

    grouping = models.ForeignKey(
        Grouping, on_delete=models.CASCADE, related_name="memberships"
    )
    country = models.ForeignKey(
        Country, on_delete=models.CASCADE, related_name="memberships"
    )
    alone_by = ("grouping", "country")
    history = kept_history()

    class Meta(Valid.Meta):
        constraints = [
            *Valid.Meta.constraints,
            *once_from_a_date("membership", "grouping", "country"),
        ]

    def __str__(self):
        return f"{self.country} in {self.grouping}"


class BeneficiaryStatus(Valid, Sourced, Kept):
    """A country's standing as a beneficiary of a programme (the programme's code)."""

    country = models.ForeignKey(
        Country, on_delete=models.CASCADE, related_name="beneficiary_statuses"
    )
    programme = models.CharField(max_length=10)
    alone_by = ("country", "programme")
    history = kept_history(m2m_fields=["sources"])

    class Meta(Valid.Meta):
        constraints = [
            *Valid.Meta.constraints,
            *once_from_a_date("beneficiary", "country", "programme"),
        ]
        verbose_name_plural = "beneficiary statuses"

    def __str__(self):
        return f"{self.country} in {self.programme}"


class MergeableQuerySet(NamedQuerySet):
    """Rows of which some were found to be others, into which they were merged."""

    def standing(self):
        """Without those that were merged into others."""
        return self.filter(merged_into__isnull=True)

    def of_code(self, code):
        """The row that has a code, or that the row of this code was merged into."""
        return self._meant_by(Q(code=code))

    def named(self, text):
        """By code, name or alias, in any case; of a merged row: what it became."""
        return self._meant_by(
            Q(code__iexact=text) | Q(name__iexact=text) | Q(aliases__name__iexact=text)
        )

    def _meant_by(self, condition):
        called = self.model._base_manager.filter(condition)
        return self.standing().filter(
            Q(pk__in=called.values("pk")) | Q(pk__in=called.values("merged_into"))
        )


class StandingManager(models.Manager):
    """Leaves merged rows out of every list, choice and search.

    `_base_manager` has them all; a reference to a merged row is still followed.
    """

    def get_queryset(self):
        return super().get_queryset().standing()


class Mergeable(Named):
    """A row that may be merged into another of its kind, as `merged_into`."""

    class Meta:
        abstract = True

    def clean(self):
        super().clean()
        same = type(self)._base_manager.exclude(merged_into=None).filter(code=self.code)
        merged = same.exclude(pk=self.pk).select_related("merged_into").first()
        if merged:
            message = (
                f"This was the code of {merged}, merged into {merged.merged_into}."
            )
            raise ValidationError({"code": message})


class PartnerQuerySet(MergeableQuerySet):
    def inside_asean(self, on):
        """Funders inside ASEAN on a day: member states, and funds of members alone."""
        members = GroupingMembership.objects.valid(on).filter(grouping__code="ASEAN")
        return self.filter(
            Q(owned_by_members=True) | Q(country__in=members.values("country"))
        )


class Partner(Mergeable, Sourced, Kept):
    """Whoever may fund: a state, the EU, a multilateral, or a fund shared by several.

    Whether a partner stands inside ASEAN follows from its country's membership on the
    day; `owned_by_members` says it for a fund that only member states pay into.
    """

    class Kind(models.TextChoices):
        MEMBER_STATE = "member_state", "ASEAN member state"
        DIALOGUE = "dialogue", "Dialogue partner"
        SECTORAL = "sectoral_dialogue", "Sectoral dialogue partner"
        DEVELOPMENT = "development", "Development partner"
        MULTILATERAL = "multilateral", "Multilateral organisation"
        SHARED_FUND = "shared_fund", "Fund shared by several partners"
        OTHER = "other", "Other organisation"

    code = models.CharField(max_length=20, unique=True)
    kind = models.CharField(max_length=20, choices=Kind)
    country = models.OneToOneField(
        Country, on_delete=models.PROTECT, null=True, blank=True, related_name="funder"
    )
    owned_by_members = models.BooleanField(default=False)
    note = models.TextField(blank=True)
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="merged",
        editable=False,
    )
    history = kept_history(m2m_fields=["sources"])

    objects = StandingManager.from_queryset(PartnerQuerySet)()

    class Meta:
        ordering = ["name"]

    def get_absolute_url(self):
        return reverse("partners:detail", args=[self.code])


class PartnerAlias(Kept):
    """Another name of a partner, in any language: "ROK", "Hàn Quốc"."""

    partner = models.ForeignKey(
        Partner, on_delete=models.CASCADE, related_name="aliases"
    )
    name = models.CharField(max_length=200, unique=True)
    language = models.CharField(max_length=5, blank=True)
    history = kept_history()

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "partner aliases"

    def __str__(self):
        return self.name


class Fund(Named, Sourced, Kept):
    """A fund through which money flows; it counts as the partner that owns it."""

    code = models.CharField(max_length=20, unique=True)
    established_text = models.CharField(max_length=40, blank=True)
    manager = models.CharField(max_length=200, blank=True)
    note = models.TextField(blank=True)
    history = kept_history(m2m_fields=["sources"])

    objects = NamedQuerySet.as_manager()

    class Meta:
        ordering = ["code"]


class FundOwnership(Valid, Kept):
    """Whom a fund counts as; a shared fund counts as a partner of its own."""

    fund = models.ForeignKey(Fund, on_delete=models.CASCADE, related_name="ownerships")
    partner = models.ForeignKey(
        Partner, on_delete=models.PROTECT, related_name="ownerships"
    )
    alone_by = ("fund",)
    history = kept_history()

    class Meta(Valid.Meta):
        constraints = [
            *Valid.Meta.constraints,
            *once_from_a_date("ownership", "fund", "partner"),
        ]

    def __str__(self):
        return f"{self.fund} of {self.partner}"


class Organisation(Mergeable, Kept):
    """Who proposes, carries out or sponsors a project; never a funder by that role."""

    code = models.CharField(max_length=30, unique=True)
    country = models.ForeignKey(
        Country,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="organisations",
    )
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="merged",
        editable=False,
    )
    history = kept_history()

    objects = StandingManager.from_queryset(MergeableQuerySet)()

    class Meta:
        ordering = ["name"]


class OrganisationAlias(Kept):
    """Another name of an organisation."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="aliases"
    )
    name = models.CharField(max_length=200, unique=True)
    history = kept_history()

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "organisation aliases"

    def __str__(self):
        return self.name


class FocalPoint(Valid, Sourced, Kept):
    """Who answers: for a country, an area in a country, a line, or for projects.

    The office is public; `person` and `email` are personal data.
    """

    class Kind(models.TextChoices):
        NATIONAL_COORDINATOR = "national_coordinator", "National coordinator"
        AREA_AGENCY = "area_agency", "Area focal agency"
        LEAD_BODY = "lead_body", "Lead implementing body"
        PROJECT = "project", "Contact for projects"

    kind = models.CharField(max_length=20, choices=Kind)
    country = models.ForeignKey(
        Country,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="focal_points",
    )
    programme = models.CharField(max_length=10, blank=True)
    area = models.ForeignKey(
        "workplans.StrategicArea",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="focal_points",
    )
    line = models.ForeignKey(
        "workplans.ActionLine",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="focal_points",
    )
    office = models.CharField(max_length=200)
    person = models.CharField(max_length=150, blank=True)
    email = models.EmailField(blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="focal_points",
    )
    history = kept_history(m2m_fields=["sources"])

    class Meta(Valid.Meta):
        ordering = ["kind", "office"]
        constraints = [
            *Valid.Meta.constraints,
            models.CheckConstraint(
                name="focal_point_answers_for_something",
                condition=Q(kind="national_coordinator", country__isnull=False)
                | Q(kind="area_agency", country__isnull=False, area__isnull=False)
                | Q(kind="lead_body", line__isnull=False)
                | Q(kind="lead_body", area__isnull=False)
                | Q(kind="project"),
                violation_error_message=(
                    "A coordinator needs a country, an area agency a country and an "
                    "area, a lead body a line or an area."
                ),
            ),
        ]

    def __str__(self):
        return f"{self.office} ({self.get_kind_display()})"

    @property
    def of(self):
        """The code of the country, area or line that it answers for, or ''."""
        about = self.country or self.area or self.line
        return about.code if about else ""
