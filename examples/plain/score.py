#!/usr/bin/env python3
"""Scores spam rules on generated messages and prints what it did: a job that knows of no loop."""

import argparse
import random
import sys
import time

messages = 600
# Every group of messages is one call to a scoring server, which takes this long.
call_seconds = 0.0045
spam_words = ("prize", "winner", "urgent", "free")
plain_words = ("meeting", "report", "lunch", "invoice", "train")


def message(dice):
    """(words, whether it is spam). Some spam avoids the words, and some mail uses them."""
    spam = dice.random() < 0.4
    typical = spam if dice.random() < 0.97 else not spam
    words = dice.choices(plain_words, k=6)
    if typical:
        words[dice.randrange(6)] = dice.choice(spam_words)
    return words, spam


def score(group):
    time.sleep(call_seconds)
    return [any(word in spam_words for word in words) for words in group]


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def main():
    parser = argparse.ArgumentParser(description="Score spam rules on generated messages.")
    parser.add_argument("--group", type=positive, default=10, help="messages per call")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shard", type=int, default=0)
    parser.add_argument("--length", type=positive, default=1, help="so many times the messages")
    args = parser.parse_args()
    dice = random.Random(f"{args.seed}/{args.shard}")
    mail = [message(dice) for _ in range(messages * args.length)]
    right = 0
    for first in range(0, len(mail), args.group):
        group = mail[first:first + args.group]
        verdicts = score([words for words, _ in group])
        right += sum(verdict == spam for verdict, (_, spam) in zip(verdicts, group))
    print(f"scored {len(mail)}")
    print(f"accuracy {right / len(mail):.4f}")


if __name__ == "__main__":
    sys.exit(main())
