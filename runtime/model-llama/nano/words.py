"""Word lists for the dialogue generator."""

CARRIER = """
the a an of for me my our his her this these those so then now well okay right just only really maybe kindly quickly
please again today tonight tomorrow morning evening boss teacher friend mother brother sister class shop school
report list note answer question problem homework task thing number value result amount price bill order ticket stock
we you they he she it i need want wants needed like love would could should must can will shall might know see hear
say says said ask asked asks tell told think thought guess hope wonder wondering check checking help make makes made
use using take takes give gives have has had keep left over under between about before after during while because
since if when where why how which whose here there with without from into onto upon near until still also too very
quite almost exactly roughly nearly simple hard easy quick slow big small new old good bad nice fine great short long
first last next other same different whole real true table chair house garden river road train car boat plane window
door light paper book page letter word line story game music song color green red blue white black yellow apple bread
water milk coffee tea sugar salt lunch dinner breakfast kitchen market bank office city town country world people man
woman child dog cat bird horse fish tree flower sun moon star rain wind snow summer winter
run runs walk talk read write play work start stop open close turn move bring send buy sell pay cost spend save build
break fix cut mix cook eat drink sleep wake wash clean paint draw count measure weigh compare choose finish leave
hello hi hey sorry thanks cheers alright listen look um uh oh hmm yes no
""".split()

GREETINGS = ["hello", "hi", "hey", "good morning", "good evening", "hi there", "hello there", "hey nano", "good day",
             "howdy", "greetings", "hello nano", "hiya", "good afternoon"]
THANKS = ["thanks", "thank you", "thanks a lot", "great, thanks", "thank you very much", "perfect, thank you", "cheers",
          "nice one, thanks", "many thanks", "ok thanks", "that helps, thanks", "thx", "wonderful, thank you"]
ABOUT = ["who are you", "what are you", "what can you do", "help", "what do you do", "how can you help me",
         "what is this", "who am i talking to", "tell me what you can do", "what are your skills", "introduce yourself"]
BYES = ["bye", "goodbye", "see you", "good night", "see you later", "that is all", "bye bye", "farewell", "that is all for now"]

# Out-of-scope requests: "{verb} {object} about {topic}" and the like.
MAKE = """write compose draft create design invent sketch sing record film paint draw prepare publish improvise
read perform outline edit review print memorise finish continue illustrate type dictate""".split()
WORKS = """poem song letter speech story novel joke riddle essay report article blog post tweet caption slogan play
script screenplay recipe menu postcard diary prayer rap ballad fable myth review summary lecture lesson plan picture
cartoon portrait map logo poster website game app program script function class test query spreadsheet email memo
toast obituary biography anthem melody symphony dance meme comic headline advert brochure contract resume""".split()
TOPICS = """autumn spring love war peace cats dogs horses dragons robots pirates wizards ghosts space planets stars the
sea the moon the weather football tennis cricket chess cooking baking gardening knitting fishing history geography
biology chemistry physics philosophy religion politics elections taxes money banks the economy inflation marriage
friendship loneliness happiness grief birthdays christmas holidays travel trains bicycles airplanes computers phones
music jazz opera ballet painting photography cinema theatre fashion shoes hats coffee wine beer cheese chocolate
bread soup pasta vegetables medicine doctors nurses hospitals teachers schools children parents grandparents
neighbours cities villages mountains rivers forests deserts islands volcanoes earthquakes dinosaurs whales birds
spiders bees trees flowers mushrooms the future the past the brain dreams sleep time colours mathematics poetry
grammar language the internet privacy security spies detectives kings queens knights castles rome egypt china france
spain india brazil mexico russia japan norway kenya peru italy greece texas london paris berlin madrid""".replace(
    "the\nsea", "the sea").split()
PEOPLE = """napoleon cleopatra einstein shakespeare mozart picasso newton darwin plato caesar gandhi lincoln beethoven
the president the king the queen the pope my mother my boss my uncle my sister a doctor a lawyer a nurse a plumber
batman zorro tarzan superman sherlock robin hood""".replace("\n", " ").split(" ")
PEOPLE = ["napoleon", "cleopatra", "einstein", "shakespeare", "mozart", "picasso", "newton", "darwin", "plato", "caesar",
          "gandhi", "lincoln", "beethoven", "the president", "the king", "the queen", "the pope", "my mother", "my boss",
          "my uncle", "my sister", "a doctor", "a lawyer", "a plumber", "batman", "zorro", "tarzan", "sherlock holmes"]
PLACES = """france spain italy japan china india brazil mexico canada russia egypt kenya norway sweden greece peru chile
cuba texas london paris berlin madrid rome vienna prague moscow cairo sydney toronto chicago boston dublin lisbon
helsinki warsaw mumbai seoul lagos lima""".split()
LANGUAGES = "french german spanish italian russian japanese chinese latin greek dutch polish arabic hindi swedish korean turkish".split()
CODE = "python rust java javascript ruby perl lisp bash sql html css cobol fortran kotlin swift go".split()
ADJECTIVES = """short long funny sad happy angry romantic scary silly clever simple famous beautiful ugly old new cheap
expensive healthy spicy sweet dark bright quiet loud formal polite rude serious little big tall deep fast slow""".split()
MONTHS = "january february march april may june july august september october november december".split()
