"""The words of `sounds.py`: which sound each noun, phrase and verb stands for.

Plain tables, one group of words per sound. Words are lower case, singular, without articles;
phrases of several words are matched longest first and before single words.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "drums", "kick", "snare", "hihat", "bass", "speech", "pitched", "steady", "event", "noise"
]


@dataclass(frozen=True, slots=True)
class Sound:
    """A class of sounds.

    low_hz: below this it has no energy, softly.
    melodic: whether it plays single notes that move on, rather than chords that stay.
    """

    kind: Kind
    low_hz: float = 0.0
    melodic: bool = False


DRUMS = Sound("drums")
KICK = Sound("kick")
SNARE = Sound("snare")
HIHAT = Sound("hihat")
BASS = Sound("bass")
VOICE = Sound("speech", 75.0)
EVENT = Sound("event")
STEADY = Sound("steady")
NOISE = Sound("noise")

STRONG: dict[Sound, str] = {
    DRUMS: """
        drum, drumming, drummer, drumkit, drumset, drumbeat, drumloop, percussion, perc,
        percussionist, breakbeat, beat, beatbox, beatboxing, beatboxer, backbeat, tom, floor tom,
        tom tom, bongo, conga, djembe, tabla, cajon, taiko, timbale, timpani, kettle drum,
        tympani, cowbell, woodblock, wood block, clave, guiro, agogo, bodhran, dhol, darbuka,
        frame drum, hand drum, drum kit, drum set, drum machine, drum loop, drum beat, drum break,
        drum roll, drum fill, drum solo, drum track, drum pattern, drum groove, hip hop beat, trap
        beat, hand percussion, 808 drum, 909 drum, 808 beat, marching drum, war drum,
        jungle break""",
    KICK: """
        kick, kickdrum, kick drum, bass drum, bassdrum, bd, 808 kick, 909 kick, four on the floor,
        sub kick, bass kick, gran cassa, big bass drum""",
    SNARE: """
        snare, snaredrum, snare drum, sd, rimshot, rim shot, sidestick, side stick, cross stick,
        clap, handclap, hand clap, finger snap, snap, finger click, snare roll, 808 clap, 909
        clap, 808 snare, rim click, side drum""",
    HIHAT: """
        hihat, hi hat, hi-hat, high hat, hat, hh, open hat, closed hat, cymbal, ride, crash, ride
        cymbal, crash cymbal, splash cymbal, china cymbal, cymbal crash, cymbal swell, shaker,
        maraca, tambourine, triangle, cabasa, egg shaker, shekere, drum brush, sleigh bell""",
    BASS: """
        bass, bassline, bass line, bass guitar, bass guitarist, bassist, bass player, electric
        bass, upright bass, double bass, contrabass, acoustic bass, slap bass, fretless bass,
        fingered bass, picked bass, synth bass, bass synth, sub, sub bass, subbass, 808, 808 bass,
        reese, reese bass, acid bass, wobble bass, moog bass, bass riff, bass note, walking bass,
        low end, string bass, standup bass, stand up bass, p bass, jazz bass, bass pluck, bass
        solo""",
    VOICE: """
        voice, vocal, vox, singing, singer, sing, vocalist, vocalisation, vocalization,
        acapella, acappella, a cappella, a capella, rap, rapping, rapper, speech, speaking,
        speaker, speak, talking, talker, talk, dialogue, dialog, narration, narrator, narrating,
        voiceover, voice over, announcer, announcing, announcement, commentator, commentary,
        commentating, presenter, host, interview, interviewer, reporter, lecturer, lecture,
        monologue, monolog, conversation, reciting, recitation, storyteller, spoken word, spoken
        words, reading aloud, lead vocal, backing vocal, background vocal, vocal harmony, vocal
        line, vocal chop, crooner, soprano voice, alto voice, tenor voice, bass voice, bass
        singer, opera singer, rap vocal, newsreader, news anchor, podcaster, teacher, counting
        aloud, humming voice, human voice, male voice, female voice, lead singer, ad lib, adlib,
        yodeling, yodel, talkback""",
    Sound("pitched", 60.0): """
        guitar, guitarist, acoustic guitar, electric guitar, lead guitar, rhythm guitar, steel
        guitar, slide guitar, lap steel, pedal steel, nylon guitar, banjo, ukulele, uke, mandolin,
        lute, sitar, harp, harpist, zither, koto, dulcimer, bouzouki, oud, balalaika, shamisen,
        guitar riff, guitar solo, power chord, strumming, fingerpicking, guzheng, lyre, charango,
        cavaquinho, telecaster, stratocaster, les paul""",
    Sound("pitched", 50.0): """
        piano, pianist, grand piano, upright piano, electric piano, rhodes, wurlitzer, clavinet,
        clavichord, harpsichord, keyboard, keyboardist, piano key, celesta, celeste, toy piano,
        honky tonk piano, e piano, ep, fender rhodes, keyboard chord, piano chord""",
    Sound("pitched", 40.0): """
        synth, synthesizer, synthesiser, synth pad, synth lead, lead synth, saw wave, sawtooth,
        square lead, supersaw, mellotron, moog, theremin, chiptune, synth chord, synth string,
        arpeggiator, synth pluck, synth stab, synth arp, vocoder""",
    Sound("pitched", 35.0): """
        organ, organist, church organ, pipe organ, hammond, hammond organ, accordion,
        accordionist, bandoneon, harmonium, melodica, harmonica, mouth organ, concertina, bagpipe,
        blues harp, reed organ, mouth harp, squeezebox""",
    Sound("pitched", 170.0, melodic=True): """
        violin, violinist, fiddle, fiddler, viola, violist, solo violin, erhu""",
    Sound("pitched", 55.0): """
        string section, string, cello, cellist, violoncello, string quartet, string ensemble,
        orchestra, orchestral string, pizzicato, string pad""",
    Sound("pitched", 220.0, melodic=True): """
        flute, flutist, flautist, piccolo, recorder, pan flute, panpipe, ocarina, tin whistle,
        penny whistle, shakuhachi, bansuri, fife, ney""",
    Sound("pitched", 100.0, melodic=True): """
        clarinet, clarinetist, clarinettist, oboe, oboist, english horn, cor anglais, saxophone,
        saxophonist, sax, alto sax, tenor sax, soprano sax, woodwind, duduk, wind instrument,
        reed, sax solo""",
    Sound("pitched", 50.0, melodic=True): """
        bassoon, bassoonist, contrabassoon, bass clarinet, baritone sax, bari sax, didgeridoo,
        bass sax""",
    Sound("pitched", 90.0, melodic=True): """
        trumpet, trumpeter, cornet, flugelhorn, french horn, horn, horn section, brass, brass
        section, brass band, bugle, trumpet section, brass stab, horn line, horn player, muted
        trumpet""",
    Sound("pitched", 40.0, melodic=True): """
        trombone, trombonist, tuba, euphonium, sousaphone, bass trombone, baritone horn""",
    Sound("pitched", 80.0): """
        choir, chorus, choral, choral singing, gospel choir, choir singing, chorister, gregorian
        chant, monk chanting, vocal ensemble, voices choir, choir pad, choir voice, boys choir,
        children choir, people singing choir""",
    Sound("pitched", 120.0, melodic=True): """
        marimba, vibraphone, vibe, vibraphonist, xylophone, xylophonist, glockenspiel, mallet,
        steel drum, steelpan, steel pan, kalimba, thumb piano, mbira, music box, balafon, tubular
        bell, handpan, hang drum, gamelan, crotale, musical saw, singing bowl, carillon, glass
        harmonica""",
}
"""Words that name a sound wherever they stand; the last one in a description wins."""

WEAK: dict[Sound, str] = {
    VOICE: """man, woman, guy, lady, person, people, girl, boy, male, female, child, kid, human,
        gentleman, narrative, actor, actress, somebody, someone, he, she, speaker voice, baritone,
        soprano, tenor, alto, verse, lyric, hook""",
    Sound("pitched", 40.0): "lead, pad, pluck, arp, arpeggio, key, stab, chord, riff, solo",
    Sound("pitched", 50.0): "ivories, wurly",
}
"""Words that name a sound only where no stronger word does and nothing unknown stands beside."""

EVENTS = """
        dog, cat, bird, birdsong, rooster, cock, cockerel, hen, chicken, duck, goose, owl, crow,
        pigeon, seagull, gull, parrot, turkey, horse, cow, bull, sheep, goat, lamb, pig, donkey,
        lion, tiger, bear, wolf, fox, elephant, monkey, ape, mouse, rat, frog, toad, cricket,
        cicada, bee, wasp, fly, mosquito, insect, whale, dolphin, seal, snake, animal, puppy,
        kitten, chick, canary, nightingale, sparrow, blackbird, woodpecker, cuckoo, eagle, hawk,
        hyena, squirrel, bat, camel, bark, meow, purr, growl, howl, roar, moo, neigh, oink, quack,
        chirp, tweet, ribbit, croak, crow call, whinny, bleat, squawk, hoot, hiss of snake,
        thunder, lightning, explosion, gun, gunshot, gunfire, shot, rifle, pistol, cannon,
        firework, firecracker, bomb, missile, laser, sword, whip, arrow, blast, boom, bang, thud,
        thump, slam, splash, crack, pop, whoosh, swoosh, swish, riser, impact, foley, sound
        effect, sfx, door, doorbell, knock, knocker, gate, window, drawer, lock, hinge, creak,
        squeak, squeal, footstep, step, stomp, hoof, gallop, walking, running, glass, bottle,
        plate, dish, cutlery, coin, paper, zip, zipper, velcro, scissor, hammer, saw, drill,
        chainsaw, axe, wood chopping, saw cutting, typewriter, typing, computer keyboard, mouse
        click, click, camera, shutter, tick, clock, stopwatch, watch ticking, timer, alarm, siren,
        buzzer, beep, beeping, bleep, ringtone, phone, telephone, cellphone, dial tone, bell,
        church bell, school bell, bicycle bell, wind chime, chime, gong, horn of car, car horn,
        train horn, air horn, fog horn, foghorn, ship horn, truck horn, honk, honking, train
        whistle, whistle, whistling, police whistle, kettle, microwave, toilet, shower, bath,
        sink, tap, faucet, drip, water drop, droplet, pouring, boiling, frying, sizzle, chewing,
        eating, drinking, swallowing, burp, fart, cough, coughing, sneeze, sneezing, sniff, snore,
        snoring, breath, breathing, sigh, gasp, yawn, hiccup, kiss, laugh, laughing, laughter,
        giggle, giggling, chuckle, cry, crying, sob, sobbing, weeping, scream, screaming, shriek,
        shout, shouting, yell, yelling, groan, moan, whisper, whispering, baby, infant, toddler,
        applause, clapping, cheering, cheer, crowd, audience, chatter, babble, booing, heartbeat,
        heart beat, heart, wing, car, motorcycle, motorbike, bike, bicycle, truck, bus, train,
        tram, subway, plane, airplane, aeroplane, aircraft, jet, helicopter, rocket, ship, boat,
        ferry, tractor, engine, motor, skid, tire, tyre, brake, braking, ambulance, fire truck,
        police, vehicle, lawn mower, lawnmower, ball, basketball, tennis, bowling, golf,
        skateboard, cash register, machine gun, car crash, glass shattering, breaking, shattering,
        smashing, ripping, tearing, crumpling, jingling, rattling, rattle, ringing, falling,
        dropping, opening, closing, crashing, scratch, scratching, record scratch, vinyl scratch,
        feedback, glitch, power down, teleport, monster, zombie, ghost, robot, alien, dinosaur,
        dragon, vomiting, slurping, snapping twig, sea bass, wing beat, drum of rain, eardrum, ear
        drum, washing machine, sewing machine, slot machine, vending machine, coffee machine,
        blender, toaster, lighter, match, spray, stapler, printer, photocopier, tool, bubble,
        gurgle, gurgling, screech, screeching, clank, clatter, clang, clink, thunderclap,
        jackhammer, hair dryer, hairdryer, lion roar, trumpeting"""

STEADY_NOISES = """
        noise, hum, mains hum, electric hum, amp hum, ground hum, ground loop, buzz, buzzing, mains
        buzz, hiss, tape hiss, static, white noise, pink noise, brown noise, background noise, room
        tone, noise floor, air conditioner, air conditioning, ventilation, fan, fridge,
        refrigerator, hvac"""
"""Sounds that stay the same for as long as they last."""

NOISES = """
        crackle, vinyl crackle, rumble, wind, wind noise, rain, rainfall, rainstorm,
        storm, hail, sea, ocean, wave, surf, river, stream, brook, creek, waterfall, water,
        fountain, fire, campfire, fireplace, traffic, highway, street, city, ambience, ambiance,
        atmosphere, atmo, room, vacuum, vacuum cleaner, hoover, drone, wash, forest, jungle,
        cafe, restaurant, office, factory, machinery, machine, interference, leaves, reverb,
        reverberation, echo, room reverb, distortion, clipping, wind blowing, jet noise"""

SEVERAL = """
        music, band, instrumental, song, backing track, accompaniment, backing, karaoke,
        soundtrack, orchestra tutti, mix, everything, background music, drum and bass, drum n
        bass, drum'n'bass, dnb, rhythm section, jungle music, ensemble, backing music"""
"""Words for more than one sound at once."""

TAILS = """
        solo, line, loop, chord, track, part, melody, riff, sound, recording, sample, stem,
        playing, section, pattern, groove, hit, roll, fill, lead, pad, pluck, arpeggio, arp, note,
        tone, intro, outro, verse, hook, audio, performance, take, phrase, run, lick, figure,
        stab, strum, tune, music, song, player, instrument, bus, channel, layer, harmony, theme,
        motif, accent, swell, bit, clip, noodling, ostinato, improvisation, comping, progression,
        picking, bowing, strumming, plucking, drumming, crescendo, vamp, break, playing softly,
        group, ensemble"""
"""Words that may follow a sound without changing it."""

VERBS = """
        playing, strumming, plucking, picking, bowing, drumming, singing, speaking, talking,
        rapping, fingerpicking, beatboxing, narrating, chanting, backing, commentating,
        announcing, droning, soloing, reciting, comping, noodling, ticking along, performing,
        running, sustaining, yodeling, humming, crooning, walking, swelling, reading, counting,
        ringing, conversing, presenting, lecturing, explaining, arguing, shredding, tapping,
        soaring, grooving, building"""
"""Verbs in -ing that leave an instrument or a voice what it is."""

COMPLETIONS = """
        drums, drum kit, drum loop, beat, percussion, toms, bongos, congas, tabla, timpani, kick,
        kick drum, bass drum, 808 kick, snare, snare drum, clap, hand clap, rimshot, finger snaps,
        hi-hat, hi-hats, cymbals, ride cymbal, crash cymbal, shaker, tambourine, triangle, bass,
        bass guitar, electric bass, double bass, upright bass, sub bass, synth bass, 808,
        bassline, vocals, lead vocals, backing vocals, female vocals, male vocals, singing, rap,
        voice, speech, dialogue, man speaking, woman speaking, child speaking, narrator,
        announcer, choir, guitar, acoustic guitar, electric guitar, lead guitar, banjo, ukulele,
        mandolin, harp, sitar, piano, grand piano, electric piano, rhodes, harpsichord, keyboard,
        synth, synth pad, synth lead, organ, hammond organ, church organ, accordion, harmonica,
        bagpipes, strings, string section, violin, viola, cello, flute, piccolo, recorder,
        clarinet, oboe, bassoon, saxophone, brass, trumpet, french horn, trombone, tuba, marimba,
        vibraphone, xylophone, glockenspiel, steel drums, kalimba, music box"""
"""What to offer while a user types."""
