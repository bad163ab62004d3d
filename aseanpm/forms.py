from django.forms.renderers import TemplatesSetting


class Renderer(TemplatesSetting):
    """Draws every form, filters too, with the two templates in templates/forms/."""

    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"
