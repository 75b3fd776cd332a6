"""``dlspec serve``: the model of a run as an HTTP service.

`columns` says what an example holds, `service` answers, `application` is the web application.
"""
