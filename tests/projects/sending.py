"""Forms as a person without a script uses them: opened, filled in, sent again."""

from tests.reading import Form


def form_in(answer):
    """{name: texts} that the form of a page would send as it stands."""
    return Form(answer.content.decode()).texts


def typed(form, **values):
    return form | {name: [value] for name, value in values.items()}


def fill(client, address, **values):
    """Open a form, type into it, send it; returns the answer."""
    return fill_on(client, address, client.get(address), **values)


def fill_on(client, address, answer, **values):
    """Type into the form that an answer shows, and send it."""
    return client.post(address, typed(form_in(answer), **values))


def save(client, address, **values):
    """Fill in and send, again where figures or questions were shown first."""
    answer = fill(client, address, **values)
    for _ in range(3):
        if answer.status_code != 200:
            break
        answer = fill_on(client, address, answer)
    assert answer.status_code == 302, problems_in(answer)
    return answer


def problems_in(answer):
    """What a page says is wrong, as it is written there."""
    html = answer.content.decode()
    start = html.find('class="problems"')
    return html[start : html.find("</div>", start)] if start >= 0 else html[:500]
