"""What the operations and queries need of the outside: stores, and somebody who tells the peers."""
