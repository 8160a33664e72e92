package main

import (
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"strings"
)

// show writes a value the way `bingo inspect` does.
func show(value any) string {
	return write(reflect.ValueOf(value), 0)
}

// show1 writes what an interface holds, with its type.
func show1(value any) string {
	if value == nil {
		return "nil"
	}
	return typed(reflect.ValueOf(value), 0)
}

func typed(v reflect.Value, pointers int) string {
	text := write(v, pointers)
	name := v.Type().String()
	switch {
	case name == "int" || name == "string" || name == "bool" || name == "float64":
		return text
	case v.Kind() == reflect.Pointer && strings.HasPrefix(text, "&{"):
		return "&" + strings.TrimPrefix(name, "*") + text[1:]
	case v.Kind() == reflect.Pointer:
		return "(" + name + ")(" + text + ")"
	case strings.HasPrefix(text, "{"):
		return name + text
	}
	return name + "(" + text + ")"
}

func write(v reflect.Value, pointers int) string {
	switch v.Kind() {
	case reflect.Invalid:
		return "nil"
	case reflect.String:
		return strconv.Quote(v.String())
	case reflect.Float32:
		return strings.TrimSuffix(fmt.Sprint(float32(v.Float())), "°")
	case reflect.Float64:
		return fmt.Sprint(v.Float())
	case reflect.Complex64:
		return fmt.Sprint(complex64(v.Complex()))
	case reflect.Complex128:
		return strings.Replace(fmt.Sprint(v.Complex()), "+-", "-", 1)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return fmt.Sprint(v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return fmt.Sprint(v.Uint())
	case reflect.Bool:
		return fmt.Sprint(v.Bool())
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.IsNil() {
			return "nil"
		}
		var parts []string
		for i := 0; i < v.Len() && i < 16; i++ {
			parts = append(parts, write(v.Index(i), pointers))
		}
		return braces(parts, v.Len())
	case reflect.Map:
		if v.IsNil() {
			return "nil"
		}
		type entry struct{ key, text string }
		var entries []entry
		for _, key := range v.MapKeys() {
			text := write(key, pointers)
			entries = append(entries, entry{text, text + ": " + write(v.MapIndex(key), pointers)})
		}
		sort.Slice(entries, func(i, j int) bool {
			a, errA := strconv.Atoi(entries[i].key)
			b, errB := strconv.Atoi(entries[j].key)
			switch {
			case errA == nil && errB == nil:
				return a < b
			case errA == nil || errB == nil:
				return errB == nil
			}
			return entries[i].key < entries[j].key
		})
		var parts []string
		for _, entry := range entries {
			parts = append(parts, entry.text)
		}
		return braces(parts, len(parts))
	case reflect.Struct:
		var parts []string
		for i := 0; i < v.NumField(); i++ {
			if name := v.Type().Field(i).Name; name != "_" {
				parts = append(parts, name+": "+write(v.Field(i), pointers))
			}
		}
		return braces(parts, len(parts))
	case reflect.Pointer:
		if v.IsNil() {
			return "nil"
		}
		if pointers >= 2 {
			return fmt.Sprintf("%#x", v.Pointer())
		}
		return "&" + write(v.Elem(), pointers+1)
	case reflect.Interface:
		if v.IsNil() {
			return "nil"
		}
		return typed(v.Elem(), pointers)
	}
	panic(v.Kind())
}

func braces(parts []string, total int) string {
	if total > len(parts) {
		parts = append(parts, fmt.Sprintf("… %d more", total-len(parts)))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
