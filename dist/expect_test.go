package dist

import "testing"

func TestTalk(t *testing.T) {
	type read struct{ others, asked, answers int }
	call, two, answer, message := read{1, 1, 0}, read{2, 2, 0}, read{1, 1, 1}, read{1, 0, 0}
	var c talk
	for i, step := range []struct {
		read
		times int
		want  expected
	}{
		{call, singles - 1, soon},
		{call, 100, inReply},
		{two, 1, soon}, // a second caller
		{call, singles - 1, soon},
		{call, 1, inReply},
		{message, 1, sometime}, // for somebody who is not served here
		{call, 1, soon},
		{call, singles, inReply},
		{answer, 1, sometime},
		{call, 1, soon},
		{read{2, 2, 1}, 1, sometime},
	} {
		for n := range step.times {
			got := c.next(step.others, step.asked, step.answers)
			if n == step.times-1 && got != step.want {
				t.Errorf("step %d, %+v: %d, want %d", i, step, got, step.want)
			}
		}
	}
}
