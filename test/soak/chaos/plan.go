package chaos

import (
	"fmt"
	"math/rand/v2"
)

// Place is where a filter stands on the way of a call.
type Place uint8

// The places, in the order in which a request passes them.
const (
	First  Place = iota // on the listener
	Reader              // behind it, and it reads messages
	Last                // on the cluster, once the host is chosen
)

// Places is how many there are.
const Places = int(Last) + 1

var placeNames = [Places]string{"first", "reader", "last"}

func (p Place) String() string { return placeNames[p] }

// Action is what a filter does in a hook.
type Action uint8

// The actions: those after which the call goes on, and those that end it.
const (
	Pass     Action = iota
	Mark            // sets an entry of the metadata
	Resume          // waits until another goroutine resumes it
	Work            // waits for work
	Ask             // asks a service over HTTP
	LateOn          // waits for what does not come, and goes on when its time is over
	WorkOn          // likewise for work
	AskLate         // asks a service whose answer comes after the caller's deadline
	Late            // as LateOn, and refuses the call then
	WorkLate        // as WorkOn, likewise
	AskSlow         // asks a service that is too slow, and refuses the call
	AskAway         // asks a service whose port is closed, likewise
	AskNone         // asks a service that there is not, likewise
	Refuse
	Break // resets the call
	Panic
	WorkPanic
	Outlast // as AskLate, for a call that has a deadline, and refuses one that is still there
)

// Actions is how many there are. Up to lastUsual a call that does not end does them; from
// firstEnd on they end it.
const (
	Actions   = int(Outlast) + 1
	lastUsual = WorkOn
	firstEnd  = Late
)

var actionNames = [Actions]string{
	"pass", "mark", "resume", "work", "ask", "late-on", "work-on", "ask-late", "late", "work-late", "ask-slow", "ask-away", "ask-none",
	"refuse", "break", "panic", "work-panic", "outlast",
}

func (a Action) String() string { return actionNames[a] }

// Server is what the server does with a call that reaches it.
type Server uint8

// The ways of the server.
const (
	Answer  Server = iota
	Except         // answers with an exception
	Silence        // never answers
	Hang           // closes the connection in the middle of the answer
)

const servers = int(Hang) + 1

// Plan is what happens to one call.
type Plan struct {
	ID                uint64
	Request, Response [Places]Action
	// BeginPanics and EndPanics tell whether the hooks Begin and End panic.
	BeginPanics, EndPanics [Places]bool
	Server                 Server
	// Deadline tells that the caller says how long it waits, which is not long. Not all
	// protocols can say so.
	Deadline                 bool
	RequestBytes, ReplyBytes int
}

// ways are how often the server does what, of 100.
var ways = [servers]int{Answer: 88, Except: 6, Silence: 3, Hang: 3}

// New makes the plan of a call.
func New(seed, id uint64) *Plan {
	random := rand.New(rand.NewPCG(seed, id))
	p := &Plan{ID: id}
	for place := range Places {
		for _, hook := range []*[Places]Action{&p.Request, &p.Response} {
			if random.IntN(8) == 0 {
				hook[place] = Action(1 + random.IntN(int(lastUsual)))
			}
		}
		p.EndPanics[place] = random.IntN(40) == 0
	}
	if random.IntN(3) == 0 { // somebody ends it
		place := random.IntN(Places)
		switch random.IntN(5) {
		case 0, 1:
			p.Request[place] = end(random)
		case 2, 3:
			p.Response[place] = end(random)
		default:
			p.BeginPanics[place] = true
		}
	}
	for at := random.IntN(100); at >= ways[p.Server]; p.Server++ {
		at -= ways[p.Server]
	}
	p.Deadline = p.Server == Silence && random.IntN(4) > 0
	for place := range Places {
		if p.Request[place] == Outlast {
			// When Envoy answers, the filter asks again, before the first answer comes.
			p.Deadline, p.Response[place] = true, AskLate
		}
		p.Deadline = p.Deadline || p.Response[place] == Outlast
	}
	p.RequestBytes, p.ReplyBytes = size(random), size(random)
	return p
}

func end(random *rand.Rand) Action {
	return firstEnd + Action(random.IntN(Actions-int(firstEnd)))
}

// size is mostly small, and sometimes as much as a mebibyte.
func size(random *rand.Rand) int {
	switch n := random.IntN(200); {
	case n == 0:
		return 1 << 20
	case n < 10:
		return random.IntN(100 << 10)
	}
	return random.IntN(1 << 10)
}

// Outcome is how a call has to end.
type Outcome struct {
	OK bool
	// Texts are what the error may say, one of them.
	Texts []string
	// Executed tells that the server gets the call, Perhaps that it may not, since the
	// call has a deadline.
	Executed, Perhaps bool
}

// What errors say that no filter words.
const (
	textPanic   = "internal error"
	textTimeout = "timeout"
	textReset   = "reset"
	textHang    = "connection termination"
)

// Text is what the reply of a filter says, and the exception of the server, whose place is
// none of them.
func Text(id uint64, place string) string { return fmt.Sprintf("soak-%016x-%s", id, place) }

// Marker is the entry that a filter sets in that place.
func Marker(place Place) string { return "soak-mark-" + place.String() }

// Outcome tells how the call has to end.
func (p *Plan) Outcome() Outcome {
	for place := range Place(Places) {
		switch {
		case p.BeginPanics[place]:
			return p.back(place, p.failed(textPanic))
		case p.Request[place] == Break && place != Last:
			return p.failed(textReset) // nobody has answered
		case p.Request[place] == Outlast:
			o, own := p.back(Last, p.failed(textTimeout)), p.back(place, p.failed(p.text(place, Outlast)))
			o.Texts, o.Perhaps = append(o.Texts, own.Texts...), false
			return o
		case p.Request[place] >= firstEnd:
			return p.back(place, p.failed(p.text(place, p.Request[place])))
		}
	}
	o, from := Outcome{OK: true}, Place(Places)
	switch p.Server {
	case Answer:
	case Except:
		o = p.failed(Text(p.ID, "server"))
	case Silence:
		o, from = p.failed(textTimeout), Last // it is Envoy that answers
	case Hang:
		o, from = p.failed(textHang), Last
	}
	o.Executed = true
	return p.back(from, o)
}

// failed is an error with that text, or a timeout before it.
func (p *Plan) failed(text string) Outcome {
	o := Outcome{Texts: []string{text}, Perhaps: p.Deadline}
	if p.Deadline {
		o.Texts = append(o.Texts, textTimeout)
	}
	return o
}

// back is the way of an answer from a place, whose own hook is not called, to the client.
// A reply of a filter on the listener is the last word.
func (p *Plan) back(from Place, o Outcome) Outcome {
	for place := from; place > First; {
		place--
		if a := p.Response[place]; a >= firstEnd {
			replaced := p.failed(p.text(place, a))
			replaced.Executed = o.Executed
			if o = replaced; place != Last {
				return o
			}
		}
	}
	return o
}

// text is what an action that ends a call makes its client see.
func (p *Plan) text(place Place, a Action) string {
	if a == Panic || a == WorkPanic {
		return textPanic
	}
	if a == Break {
		return textReset
	}
	return Text(p.ID, place.String())
}
