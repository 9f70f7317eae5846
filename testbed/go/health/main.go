// Command health says what tools that wait make of Kubernetes objects, those of a JSON array on stdin; one line each:
// the word of the kstatus that Helm 4 and Flux are built with, that of kpt's, and that of an Argo CD whose health check
// is the Lua script of the file that is named, run as Argo CD runs it.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"

	flux "github.com/fluxcd/cli-utils/pkg/kstatus/status"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kpt "sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

func main() {
	script, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var objects []json.RawMessage
	if err := json.NewDecoder(os.Stdin).Decode(&objects); err != nil {
		log.Fatal(err)
	}
	for _, raw := range objects {
		words, err := health(raw, string(script))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(words...)
	}
}

func health(raw []byte, script string) ([]any, error) {
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(raw); err != nil { // integers stay integers, as from an API server
		return nil, err
	}
	ofFlux, err := flux.Compute(object)
	if err != nil {
		return nil, err
	}
	ofKpt, err := kpt.Compute(object)
	if err != nil {
		return nil, err
	}
	ofArgo, err := argo(object.Object, script)
	if err != nil {
		return nil, err
	}
	return []any{ofFlux.Status, ofKpt.Status, ofArgo}, nil
}

func argo(object map[string]any, script string) (string, error) {
	state := lua.NewState()
	defer state.Close()
	state.SetGlobal("obj", value(state, object))
	if err := state.DoString(script); err != nil {
		return "", err
	}
	table, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return "", fmt.Errorf("the script returned %s", state.Get(-1).Type())
	}
	if message := table.RawGetString("message"); message.Type() != lua.LTString {
		return "", fmt.Errorf("message is %s", message.Type())
	}
	return table.RawGetString("status").String(), nil
}

func value(state *lua.LState, from any) lua.LValue {
	switch from := from.(type) {
	case map[string]any:
		table := state.NewTable()
		for key, each := range from {
			table.RawSetString(key, value(state, each))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, each := range from {
			table.Append(value(state, each))
		}
		return table
	case string:
		return lua.LString(from)
	case bool:
		return lua.LBool(from)
	case int64:
		return lua.LNumber(from)
	case float64:
		return lua.LNumber(from)
	default:
		return lua.LNil
	}
}
