package main

import (
	"errors"
	"maps"
	"slices"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// pubsub sends messages to the processes that have subscribed to a topic, which is any term: {subscribe, T} and
// {unsubscribe, T} are for the calling process and answer ok, {subscribers, T} answers the list of pids, and
// {broadcast, T, Msg} sends Msg as it is to each of them and answers ok.
//
// It monitors its subscribers, wherever they are, and forgets those that end, or whose node is lost.
type pubsub struct {
	topics      map[string][]etf.Pid // by termKey, in the order of subscription
	subscribers map[etf.Pid]*subscriber
}

type subscriber struct {
	monitor etf.Ref
	topics  map[string]bool
}

func newPubSub() *pubsub {
	return &pubsub{topics: make(map[string][]etf.Pid), subscribers: make(map[etf.Pid]*subscriber)}
}

func (s *pubsub) HandleCall(p *node.Process, from gen.From, raw etf.Raw) (any, error) {
	name, args := request(raw)
	if len(args) == 0 {
		return unknown{Reason: unknownCall{Request: raw}}, nil
	}
	topic, err := termKey(args[0])
	if err != nil {
		return badTerm{Text: err.Error()}, nil
	}
	switch name {
	case "subscribe/1":
		return etf.Atom("ok"), s.subscribe(p, from.Pid, topic)
	case "unsubscribe/1":
		s.unsubscribe(p, from.Pid, topic)
		return etf.Atom("ok"), nil
	case "subscribers/1":
		return s.topics[topic], nil
	case "broadcast/2":
		for _, pid := range s.topics[topic] {
			// Who is gone is about to be removed: the end of its monitor is on the way.
			if err := p.Send(pid, args[1]); err != nil && !errors.Is(err, node.ErrNoConnection) {
				return nil, err
			}
		}
		return etf.Atom("ok"), nil
	}
	return unknown{Reason: unknownCall{Request: raw}}, nil
}

// State is all subscribers, for sys:get_state.
func (s *pubsub) State() any {
	return slices.SortedFunc(maps.Keys(s.subscribers), func(a, b etf.Pid) int { return etf.Compare(a, b) })
}

// HandleInfo takes the ends of monitors.
func (s *pubsub) HandleInfo(_ *node.Process, m node.Message) error {
	if down, ok := m.Down(); ok {
		if sub := s.subscribers[down.Pid]; sub != nil && sub.monitor == down.Ref {
			for topic := range sub.topics {
				s.remove(down.Pid, topic)
			}
			delete(s.subscribers, down.Pid)
		}
	}
	return nil
}

func (s *pubsub) subscribe(p *node.Process, pid etf.Pid, topic string) error {
	sub := s.subscribers[pid]
	if sub == nil {
		ref, err := p.Monitor(pid)
		if err != nil {
			return err
		}
		sub = &subscriber{monitor: ref, topics: make(map[string]bool)}
		s.subscribers[pid] = sub
	}
	if !sub.topics[topic] {
		sub.topics[topic] = true
		s.topics[topic] = append(s.topics[topic], pid)
	}
	return nil
}

func (s *pubsub) unsubscribe(p *node.Process, pid etf.Pid, topic string) {
	sub := s.subscribers[pid]
	if sub == nil || !sub.topics[topic] {
		return
	}
	s.remove(pid, topic)
	delete(sub.topics, topic)
	if len(sub.topics) == 0 {
		p.Demonitor(sub.monitor)
		delete(s.subscribers, pid)
	}
}

func (s *pubsub) remove(pid etf.Pid, topic string) {
	left := slices.DeleteFunc(s.topics[topic], func(p etf.Pid) bool { return p == pid })
	if len(left) == 0 {
		delete(s.topics, topic)
		return
	}
	s.topics[topic] = left
}
