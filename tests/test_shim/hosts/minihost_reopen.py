"""minihost: opens a session that was kept. argv: plug-in, file with the plug-in's state as XML."""

import json
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from deck import Deck, told, until

deck = Deck()
deck.put(ElementTree.fromstring(Path(sys.argv[2]).read_bytes()))
until(lambda: told(deck.clips()[0])["stems"], "stems")
print(json.dumps(told(deck.clips()[0])))
deck.plugin.close()
