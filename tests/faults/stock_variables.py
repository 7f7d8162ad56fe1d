"""Environment variables of the stock agent; apart, so that the harness need not import the agent."""

BROKER = "STOCK_BROKER"
APPLICATION = "STOCK_APPLICATION"
TOPIC = "STOCK_TOPIC"
PARTITIONS = "STOCK_PARTITIONS"
SESSION_TIMEOUT = "STOCK_SESSION_TIMEOUT"
DIRECTORY = "STOCK_DIRECTORY"
