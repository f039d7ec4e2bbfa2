//! tagwall
pub mod addr;
pub mod catalog;
pub mod packet;
pub mod tags;
pub mod text;
pub mod verify;
