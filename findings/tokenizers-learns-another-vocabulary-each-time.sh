#!/usr/bin/env bash
# Two of the trainers of tokenizers learn another vocabulary from the same texts in each process, without threads too.
#
# Versions: tokenizers 0.23.3, Python 3.11.
#
# Seen: `WordPieceTrainer` gives the same texts other numbers in each process, and chooses other pieces among pairs that are equally
# frequent: signs inside of words (`##a`) are numbered as words are met, and words are met in the order of a hash table that is
# seeded anew. `UnigramTrainer` gives the same pieces other scores, in the last digits and at times beyond the fourth: sums are taken in
# that order. `BpeTrainer` gives the same bytes each time. Signs inside of words that are named as `special_tokens`, in an order,
# make the vocabulary of `WordPieceTrainer` the same each time.
#
# Expected: the same bytes from the same texts, as from `BpeTrainer`; or an option for it, or a sentence in the page of the trainers.
#
# Who is hurt: whoever learns the vocabulary again instead of keeping the file (a training that is resumed, the trials of a search,
# an exported project): the indices of one run mean other pieces in the next one, and nothing says so.
#
# Fails (exit 1) when this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check tokenizers==0.23.3
export TOKENIZERS_PARALLELISM=false
cat > "$folder/learn.py" <<'EOP'
import hashlib
import json
import sys
from pydoc_data.topics import topics

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

texts = [topics[name] for name in sorted(topics)][:40]
kind = sys.argv[1]
if kind == "bpe":
    tokenizer, trainer = Tokenizer(models.BPE()), trainers.BpeTrainer(vocab_size=1000, show_progress=False)
elif kind == "unigram":
    tokenizer, trainer = Tokenizer(models.Unigram()), trainers.UnigramTrainer(vocab_size=1000, show_progress=False)
else:
    signs = sorted({sign for text in texts for sign in text if not sign.isspace()})
    named = [f"##{sign}" for sign in signs] if kind == "wordpiece_named" else []
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    trainer = trainers.WordPieceTrainer(vocab_size=1000, show_progress=False, special_tokens=["[UNK]", *named])
tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer.train_from_iterator(texts, trainer)
vocabulary = json.loads(tokenizer.to_str())["model"]["vocab"]
print(hashlib.sha256(json.dumps(vocabulary).encode()).hexdigest())
EOP
for kind in bpe wordpiece unigram wordpiece_named; do
    for _ in 1 2 3 4; do "$folder/env/bin/python" "$folder/learn.py" "$kind"; done | sort -u | wc -l > "$folder/$kind"
    echo "$kind: $(cat "$folder/$kind") vocabularies in 4 processes"
done
[ "$(cat "$folder/bpe")" = 1 ] && [ "$(cat "$folder/wordpiece_named")" = 1 ]
if [ "$(cat "$folder/wordpiece")" = 1 ] || [ "$(cat "$folder/unigram")" = 1 ]; then echo "changed: one of them is the same now" && exit 1; fi
