"""Histories of real runs: what clients asked and were told, recorded, kept as JSON, and checked.

A client that records is the usual one with an interceptor; several may share a history::

    history = History()
    mesh = Mesh(targets, caller="webshop", interceptors=[Recorder(history, "webshop")])
    ...
    write(history, Path("run.json"))

``python -m ordermesh.client.history run.json`` checks a file. The file is one JSON object:

``format``
    ``ordermesh.history/1``.
``stock``
    Units that were there before the first call: a list of ``sku``, ``location_id``, ``quantity``.
``calls``
    A list, each with ``number`` (1, 2, 3 ... as they were begun), ``client`` (the caller's name),
    ``method`` (``ordermesh.api.inventory.v1.ReservationService/Reserve``), ``invoke_time`` and
    ``end_time`` (seconds of the machine's monotonic clock, which its processes share; no
    ``end_time``: the client never heard of it again), ``request`` and ``reply`` (the messages as
    protobuf writes JSON, with the names of the contracts' fields), ``outcome``, and for calls that
    failed ``code`` and ``reason``.

The outcome is ``ok``, ``fail`` (a service said that it was not done), or ``unknown``: it may have
been done, now or later. What is unknown stays in the history, and the checks count with it.
"""
