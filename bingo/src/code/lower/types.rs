//! Types as they are written.

use std::rc::Rc;
use std::sync::Arc;

use tree_sitter::Node;

use super::{Global, Import, Local, Reader, children, fields, part};
use crate::code::ir::{FieldType, Name, Type};

impl Reader<'_> {
    pub(super) fn type_declaration(&mut self, node: Node<'_>) {
        for spec in children(node) {
            let (Some(name), Some(written)) =
                (spec.child_by_field_name("name"), spec.child_by_field_name("type"))
            else {
                continue;
            };
            let name = self.name(name);
            let kind = self.kind(written);
            let package = self.package;
            if self.scopes.is_empty() {
                self.lowering.globals.insert((package, Arc::clone(&name)), Global::Type);
                self.program().types.insert((package, name), kind);
            } else {
                self.bind(name, Local::Type(kind));
            }
        }
    }

    /// The type that a node writes.
    pub(super) fn kind(&mut self, node: Node<'_>) -> Type {
        self.deeper(Type::Unknown, |reader| reader.written(node))
    }

    fn written(&mut self, node: Node<'_>) -> Type {
        let of = |reader: &mut Self, field: &str| {
            node.child_by_field_name(field).map_or(Type::Unknown, |kind| reader.kind(kind))
        };
        match node.kind() {
            "type_identifier" | "identifier" => self.named(part(self.text, node)),
            "pointer_type" => {
                let to = children(node).first().map_or(Type::Unknown, |kind| self.kind(*kind));
                Type::Pointer(Rc::new(to))
            }
            "parenthesized_type" | "negated_type" | "type_elem" => {
                children(node).first().map_or(Type::Unknown, |kind| self.kind(*kind))
            }
            "generic_type" => of(self, "type"),
            "channel_type" => Type::Chan(Rc::new(of(self, "value"))),
            "slice_type" => Type::List(Rc::new(of(self, "element"))),
            "array_type" | "implicit_length_array_type" => Type::Array(Rc::new(of(self, "element"))),
            "map_type" => Type::Map(Rc::new(of(self, "value"))),
            "function_type" => Type::Func,
            "interface_type" => Type::Interface,
            "struct_type" => self.struct_type(node),
            "qualified_type" => {
                let package = node.child_by_field_name("package").map_or("", |node| part(self.text, node));
                let Some(name) = node.child_by_field_name("name") else { return Type::Unknown };
                let name = self.name(name);
                match self.imports.get(package) {
                    Some(Import::Program(id)) => Type::Named(*id, name),
                    Some(Import::Foreign(path)) => Type::Foreign(Arc::clone(path), name),
                    None => Type::Unknown,
                }
            }
            _ => Type::Unknown,
        }
    }

    fn named(&mut self, name: &str) -> Type {
        match self.local(name) {
            Some(Local::Type(kind)) => return kind.clone(),
            Some(_) => return Type::Unknown,
            None => {}
        }
        match name {
            "any" => Type::Interface,
            "bool" | "string" | "int" | "int8" | "int16" | "int32" | "int64" | "uint" | "uint8"
            | "uint16" | "uint32" | "uint64" | "uintptr" | "byte" | "rune" | "float32" | "float64"
            | "complex64" | "complex128" | "error" => Type::Basic,
            _ => Type::Named(self.package, name.into()),
        }
    }

    fn struct_type(&mut self, node: Node<'_>) -> Type {
        let mut found = Vec::new();
        for list in children(node) {
            for field in children(list) {
                let Some(written) = field.child_by_field_name("type") else { continue };
                let mut kind = self.kind(written);
                let names = fields(field, "name");
                if names.is_empty() {
                    let bare = part(self.text, written).split('[').next().unwrap_or_default();
                    let name: Name = bare.rsplit('.').next().unwrap_or_default().into();
                    if part(self.text, field).starts_with('*') {
                        kind = Type::Pointer(Rc::new(kind));
                    }
                    found.push(FieldType { name, kind, embedded: true });
                } else {
                    for name in names {
                        let name = self.name(name);
                        found.push(FieldType { name, kind: kind.clone(), embedded: false });
                    }
                }
            }
        }
        Type::Struct(found.into())
    }

    /// The type that an expression names, if it is one.
    pub(super) fn type_named(&mut self, node: Node<'_>) -> Option<Type> {
        match node.kind() {
            "identifier" => {
                let name = part(self.text, node);
                match self.local(name) {
                    Some(Local::Type(kind)) => return Some(kind.clone()),
                    Some(_) => return None,
                    None => {}
                }
                match self.lowering.globals.get(&(self.package, name.into())) {
                    Some(Global::Type) => Some(Type::Named(self.package, name.into())),
                    Some(_) => None,
                    None => {
                        Some(self.named(name)).filter(|kind| matches!(kind, Type::Basic | Type::Interface))
                    }
                }
            }
            "parenthesized_expression" => self.type_named(children(node).first().copied()?),
            "unary_expression" => {
                let operator = node.child_by_field_name("operator")?;
                let kind = self.type_named(node.child_by_field_name("operand")?)?;
                (part(self.text, operator) == "*").then(|| Type::Pointer(Rc::new(kind)))
            }
            "selector_expression" => {
                let operand = node.child_by_field_name("operand")?;
                let package = part(self.text, operand);
                let name = self.name(node.child_by_field_name("field")?);
                if operand.kind() != "identifier" || self.local(package).is_some() {
                    return None;
                }
                match self.imports.get(package)? {
                    Import::Program(id) => {
                        let is = matches!(
                            self.lowering.globals.get(&(*id, Arc::clone(&name))),
                            Some(Global::Type)
                        );
                        is.then_some(Type::Named(*id, name))
                    }
                    Import::Foreign(_) => None,
                }
            }
            "slice_type" | "map_type" | "array_type" | "channel_type" | "function_type" | "pointer_type"
            | "struct_type" | "interface_type" | "generic_type" | "qualified_type" => Some(self.kind(node)),
            _ => None,
        }
    }
}
