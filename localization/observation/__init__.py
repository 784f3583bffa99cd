"""What was heard, where and when: frames, travel times, arrivals, and what a place can have to do with them."""
