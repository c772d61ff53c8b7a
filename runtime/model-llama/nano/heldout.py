"""Held-out phrasings and prompts, listed before training and used only to measure.

`PHRASINGS` are user templates whose verbs and word order occur nowhere in the
training text: every word in `BANNED` is kept out of every user message (the
generator throws away any dialogue with one; `train.py` asserts it on each).
`REFUSALS` are out-of-scope prompts; none of them occurs in the training text.
"""

import re

# Verbs (and nouns that do a verb's work) of the held-out phrasings.
BANNED = set("""
reckon reckoned crunch tally tallied ascertain deduce restate restated obtain obtained retrieve fetch
fetched quote quoted amounts resolve resolved establish derive derived dig recast reframe rephrase
expressed pull pulled consult pluck divulge disclose reveal settle solve solved determine yields tot
hunt report recite unearth grab transform transformed transmute rewritten swap boils supply supplied
furnish outcome evaluates reads stored sits lives
""".split())

# kind -> templates. {a} {b} numbers, {v} number with unit {u} to unit {w}, {k} {j} keys.
ARITHMETIC = [
    ("Reckon {a} plus {b} and hand me the total.", "{a} + {b}"),
    ("Crunch {a} times {b}, would you?", "{a} * {b}"),
    ("{a} minus {b} amounts to how much?", "{a} - {b}"),
    ("I am trying to deduce {a} divided by {b}.", "{a} / {b}"),
    ("Kindly ascertain {a} multiplied by {b}.", "{a} * {b}"),
    ("Tally {a} plus {b} on my behalf", "{a} + {b}"),
    ("Resolve this: {a} * {b}", "{a} * {b}"),
    ("With {a} - {b} the outcome would be?", "{a} - {b}"),
    ("Someone must establish {a} plus {b} before lunch.", "{a} + {b}"),
    ("Derive the product of {a} and {b}.", "{a} * {b}"),
    ("{a} divided by {b} boils down to which number?", "{a} / {b}"),
    ("Once solved, {a} minus {b} leaves what?", "{a} - {b}"),
    ("Settle an argument for us: {a} times {b}", "{a} * {b}"),
    ("Determine {a} plus {b} times {c}.", "{a} + {b} * {c}"),
    ("{a} times {b} minus {c} evaluates to?", "{a} * {b} - {c}"),
    ("So {a} + {b} yields?", "{a} + {b}"),
]
CONVERT = [
    ("Restate {v} {u} in {w}.", None),
    ("{v} {u}, expressed in {w}, amounts to?", None),
    ("Kindly transform {v} {u} into {w}", None),
    ("Recast {v} {u} as {w}, would you?", None),
    ("I have {v} {u} and would rather see it rewritten in {w}.", None),
    ("Swap {v} {u} for {w}.", None),
    ("My ruler reads {v} {u}; how much would that be in {w}?", None),
    ("Reframe {v} {u} to {w} on my behalf.", None),
    ("Determine how many {w} {v} {u} amounts to", None),
    ("Transmute {v} {u} to {w}, kindly", None),
]
LOOKUP = [
    ("Retrieve {k}.", None),
    ("Fetch me whatever is stored under {k}", None),
    ("Would you dig up {k}?", None),
    ("Kindly divulge {k}.", None),
    ("{k}: reveal its contents", None),
    ("Consult the list about {k}", None),
    ("I must obtain {k} before noon.", None),
    ("Pull {k} out of the store", None),
    ("Quote me {k}, kindly.", None),
    ("Unearth {k} on my behalf?", None),
]
TWO_STEP = [
    ("Fetch {k} and reckon it times {b}.", "{x} * {b}"),
    ("Crunch {k} plus {b}, would you?", "{x} + {b}"),
    ("Whatever sits under {k}, minus {b}, amounts to?", "{x} - {b}"),
    ("Determine {k} divided by {b}.", "{x} / {b}"),
    ("Tally {k} plus {b} on my behalf", "{x} + {b}"),
]
TWO_STEP_CONVERT = [
    ("Restate {k} {u} in {w}.", None),
    ("Retrieve {k}, and transform it from {u} to {w}.", None),
]
FOLLOW_UPS = [
    ("Tally {b} plus that, would you?", "{b} + {x}"),
    ("That times {b} amounts to?", "{x} * {b}"),
    ("And that minus {b} yields?", "{x} - {b}"),
    ("Reckon it divided by {b}.", "{x} / {b}"),
]

for _template, _ in ARITHMETIC + CONVERT + LOOKUP + TWO_STEP + TWO_STEP_CONVERT + FOLLOW_UPS:
    assert BANNED & set(re.findall("[a-z]+", _template.lower())), _template

REFUSALS = """
Write me a limerick about a lighthouse keeper.
Is it going to snow in Oslo this weekend?
Tell me a knock-knock joke.
Translate "where is the station" into Portuguese.
Debug my Haskell program.
Who painted the Mona Lisa?
What do you think of modern architecture?
Draw a horse wearing a hat.
Recommend a thriller for a long flight.
Book a table for 4 at an Italian restaurant.
Explain how vaccines work.
Which team won the cup in 1998?
Compose a sonnet of 14 lines about autumn leaves.
How do I get red wine out of a carpet?
What's the population of Brazil?
Play some jazz from the 1950s.
Send an email to my landlord about the heating.
Set an alarm for 7 tomorrow morning.
Should I buy bitcoin right now?
Give me 5 ideas for a birthday party.
Summarise the plot of Moby Dick.
Who is the prime minister of Japan?
Is there life on Mars?
Write a haiku with 17 syllables about rain.
Can you teach me to play the ukulele?
Diagnose my headache.
What are the side effects of ibuprofen?
Pick lottery numbers for me between 1 and 49.
Plan a 3 day trip to Lisbon.
How many people live in Canada?
Describe the taste of mango.
Proofread my cover letter.
What rhymes with orange?
Order 2 pizzas with extra cheese.
Turn off the lights in the kitchen.
Tell me about the French Revolution.
Why is the sky blue?
Who would win in a fight, a lion or a tiger?
Generate a password with 16 characters.
Write SQL that joins three tables.
What happened on 20 July 1969?
Do you love me?
Sing a lullaby.
What is the meaning of life?
Find me a flat in Berlin under 900 euros.
Remind me to call Grandma at 6.
Call me a taxi.
Paraphrase this paragraph for me.
How tall is the Eiffel Tower?
Invent a new holiday.
Roleplay as a pirate captain.
What stocks went up 10 percent today?
Give me a recipe for banana bread that serves 8.
Explain quantum entanglement to a five year old.
Which is better, tea or coffee?
How old is the universe?
Tell me a story about a dragon who is afraid of mice.
Design a logo for my bakery.
Name 3 rivers in Africa.
What time is it in Tokyo?
Is my boyfriend cheating on me?
Open the garage door.
Make a list of 20 baby names.
Who wrote The Trial?
What's trending on the news?
How do you spell onomatopoeia?
Find a synonym for happy.
Download the latest album by that band.
Translate 12 pages of German by Friday.
Teach me the rules of chess.
Give me legal advice about my tenancy.
Which planets have rings?
Create a workout plan for 6 weeks.
What should I wear to a wedding?
Delete all my photos from 2019.
Describe the colour purple to a blind man.
How does a car engine work?
Tell me my horoscope, I am a Leo.
Convert my Word file to a PDF.
Look up the cheapest flights to Rome.
Calculate how happy I will be in ten years.
Convert the heathens to my religion.
Add some salt to the soup.
Write a python function that sorts 100 names.
What is your favourite number?
Guess what I had for breakfast.
Sum up last night's debate in one paragraph.
Multiply my followers on social media.
Who invented the telephone?
Rate my outfit from 1 to 10.
Write an essay of 500 words on climate change.
How do I tie a tie?
Hack into my neighbour's wifi.
Is a hot dog a sandwich?
What's 50 Cent's real name?
How far away is the moon?
Give me feedback on my business plan.
Cheer me up, I had a rotten day.
Predict the score of tonight's match.
What language do they speak in Angola?
""".strip().splitlines()

# Written after the last training step and run once: the forms of `generate.py` were widened with the failures
# of `REFUSALS` in sight, so only these are a blind test of declining.
FRESH_REFUSALS = """
My printer keeps jamming, any suggestions?
Which wine pairs well with salmon?
Transcribe this voice note.
How can I sleep better at night?
Is it safe to eat raw eggs?
Apologise to my wife on my behalf.
Who holds the record for the marathon?
Unlock the front door.
Give the plot twist of that film away.
Explain the offside rule.
Pretend to be my grandmother and read me a bedtime tale.
My son turns 6 on Sunday, where should we celebrate?
How did the Roman empire end?
Remove the background of this photo.
What does my dream about falling mean?
Tell me the lyrics of a famous song.
Organise my inbox.
Is 30 minutes of jogging healthy?
Can dogs eat grapes?
Who lives in a pineapple under the sea?
Write unit tests for 3 of my classes.
What is the difference between a crocodile and an alligator?
Sell my car for 5000 dollars.
How do magnets work?
Argue that cats are better than dogs.
Vote for me in the contest.
How long should I boil an egg?
Name the seven dwarfs.
Let's chat about your childhood.
I lost my keys again.
Subscribe me to the newsletter.
Which bus goes to the airport?
Compile a reading list of 12 classics.
What did Socrates teach?
Rank the top 5 pop singers.
Interpret this poem line by line.
Upgrade my phone plan.
Are ghosts real?
Mow the lawn.
Outline a speech of 10 minutes for my retirement.
What is the chemical formula of table salt?
Share your secrets with me.
Who scored the winning goal in 2014?
Fix the grammar of my second paragraph.
How is cheese made?
Where were the olympics held 8 years ago?
Motivate me to go to the gym.
Run a marketing campaign with 3 slogans.
Why do cats purr?
Compare the cameras of 2 phones.
""".strip().splitlines()
