"""Delivery of alerts: from the alerts topic to a webhook or Alertmanager, at least once.

``notifier`` follows the topic; per receiver a ``desk`` decides what is due; ``bodies`` writes it down; ``posting``
sends it to a ``destination`` that configuration allows; ``ledger`` remembers who was told what.
"""
